//! Requests as bytes: written once where nothing in them changes, else anew for each send.

use super::body::{Body, Content, Upload};
use super::reference::{self, Root};
use crate::engine::driver::Unwritten;
use crate::engine::flow::lowered::RequestParts;
use crate::engine::trace::PLACEHOLDER;
use crate::engine::value::code::{Code, Piece, values};
use crate::engine::value::files::Files;
use crate::engine::value::lower::Lowerer;
use crate::engine::value::nobody;
use crate::engine::value::{Frame, Paths, Unusable, Value, from_json, write_plain};
use crate::plan::{self, Connections, Http, Target};
use crate::wire::http1::CHUNKED;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

/// How this program names itself.
pub const AGENT: &str = concat!("stressc/", env!("CARGO_PKG_VERSION"));

/// A request as bytes: all of them at once where nothing in it changes.
pub enum Encoded {
    Fixed(Written),
    Built(Box<Template>),
}

impl Encoded {
    /// What is sent: itself, or what it was built as.
    pub fn written<'w>(&'w self, built: &'w Written) -> &'w Written {
        match self {
            Encoded::Fixed(fixed) => fixed,
            Encoded::Built(_) => built,
        }
    }
}

/// A whole request to a target: its text, how much of that stands before its body, where in that its trace context belongs, and
/// where which files do.
#[derive(Debug, Default)]
pub struct Written {
    pub target: usize,
    /// It, or its target, says itself which cookies go with it.
    pub own_cookies: bool,
    /// An answer may have led it to another target than that of its step.
    pub led_elsewhere: bool,
    text: String,
    head: usize,
    pub trace: Option<usize>,
    files: Vec<FilePart>,
    /// Which parts of the head are sent in Latin-1; the rest is UTF-8.
    latin1: Vec<Range<usize>>,
}

/// A part of a file, and where in the text it belongs.
#[derive(Debug)]
struct FilePart {
    at: usize,
    file: usize,
    bytes: Range<usize>,
}

/// The bytes in each chunk of a file.
const CHUNK: usize = 16 << 10;

impl Written {
    /// The bytes of the head.
    pub fn write_head(&self, out: &mut Vec<u8>) {
        let (mut from, bytes) = (0, self.text.as_bytes());
        for part in &self.latin1 {
            out.extend_from_slice(&bytes[from..part.start]);
            out.extend(self.text[part.clone()].chars().map(|c| u8::try_from(c).unwrap_or(b'?')));
            from = part.end;
        }
        out.extend_from_slice(&bytes[from..self.head]);
    }

    /// What stands after the head, but for files.
    pub fn body(&self) -> &str {
        &self.text[self.head..]
    }

    pub fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// What is sent, one after the other, from its head on.
    pub fn pieces<'w>(&'w self, head: &'w [u8], files: &'w Files) -> Vec<&'w [u8]> {
        let (mut pieces, mut from, text) = (vec![head], self.head, self.text.as_bytes());
        for FilePart { at, file, bytes } in &self.files {
            pieces.extend([&text[from..*at], &files.content(*file)[bytes.clone()]]);
            from = *at;
        }
        pieces.push(&text[from..]);
        pieces
    }

    /// Bytes of the body, with those of its files.
    pub fn body_length(&self) -> usize {
        self.body().len() + self.files.iter().map(|part| part.bytes.len()).sum::<usize>()
    }

    pub fn method(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }
}

pub struct Template {
    path: Path,
    query: Vec<(String, Code)>,
    /// For each target that it may go to.
    heads: Vec<HeadTemplate>,
    method: Method,
    body: Option<Body>,
    /// The body is sent without saying how long it is.
    chunked: bool,
}

/// The request target, and the target of the scenario that it goes to.
enum Path {
    /// Below the path of the target's address; what is put into it is encoded.
    Below(Vec<Piece>),
    /// A URL reference of a step to this target, among the addresses of all.
    Reference { pieces: Vec<Piece>, from: usize, open_files: bool, roots: Arc<[Option<Root>]>, by_file: bool },
}

/// What stands after the path, as it is told to one target.
struct HeadTemplate {
    target: usize,
    after_path: String,
    /// Where in that the trace context belongs.
    trace: Option<usize>,
    headers: Vec<(String, Vec<Piece>)>,
    own_cookies: bool,
}

enum Method {
    Known(String),
    Computed(Code),
}

/// The bytes of a request of a step to a target.
pub fn encode(request: &Http, from: usize, around: &RequestParts<'_>, lowerer: &mut Lowerer<'_>) -> Encoded {
    let body = request.body.as_ref().map(|body| Body::of(body, lowerer));
    let mut head = |target: usize| head(request, (from, target), around, body.as_ref(), lowerer);
    let (path, heads) = match request.path.as_slice() {
        [plan::Piece::Literal(first), rest @ ..] => {
            let base = &around.endpoints[from].path;
            let whole = [&[plan::Piece::Literal(format!("{base}{first}"))], rest].concat();
            let heads = vec![head(from)];
            (Path::Below(lowerer.text(&whole)), heads)
        }
        reference => {
            let speak = (0..around.roots.len()).filter(|target| around.roots[*target].is_some());
            let heads = speak.map(&mut head).collect();
            let pieces = lowerer.text(reference);
            let by_file = !lowerer.is_heard(reference);
            // Once, before the load: a file may be large.
            let hides = |file: usize| lowerer.mask().hides_within(around.paths.files.content(file));
            let open_files = by_file || !body.iter().flat_map(Body::files).any(hides);
            (Path::Reference { pieces, from, open_files, roots: around.roots.clone(), by_file }, heads)
        }
    };
    let template = Template {
        path,
        query: lowerer.fields(&request.query),
        heads,
        method: match &request.method {
            plan::Method::Known(method) => Method::Known(method.clone()),
            plan::Method::Computed(method) => Method::Computed(lowerer.expr(method)),
        },
        body,
        chunked: request.chunked,
    };
    if exprs(&template).into_iter().all(|code| code.is_constant(|_| false)) {
        let mut frame = nobody();
        let mut written = Written::default();
        if template.write(&mut frame, &around.paths, &mut written, &mut String::new()).is_ok() {
            return Encoded::Fixed(written);
        }
    }
    Encoded::Built(Box::new(template))
}

fn head(
    request: &Http,
    (from, to): (usize, usize),
    around: &RequestParts<'_>,
    body: Option<&Body>,
    lowerer: &mut Lowerer<'_>,
) -> HeadTemplate {
    let (target, place): (&Target, _) = (&around.plan.targets[to], &around.endpoints[to]);
    // What a flow says to its own target, and what a target is told, is said to no other.
    let of_flow = if to == from { request.flow_headers.as_slice() } else { &[] };
    let is_new = |name: &str| !says(&request.headers, name) && !says(of_flow, name);
    let of_target = target.headers.iter().filter(|(name, _)| is_new(name));
    let header = |(name, text): &(String, Vec<plan::Piece>)| (name.clone(), lowerer.text(text));
    let mut headers: Vec<(String, Vec<Piece>)> =
        request.headers.iter().chain(of_flow).chain(of_target).map(header).collect();
    let own_cookies = says(&headers, "Cookie");
    if let Some(cookie) = target.cookie.as_ref().filter(|_| !own_cookies) {
        headers.push(("Cookie".to_owned(), lowerer.text(cookie)));
    }
    let mut after_path = " HTTP/1.1\r\n".to_owned();
    for (name, value) in [("Host", place.authority.as_str()), ("User-Agent", AGENT), ("Accept", "*/*")] {
        // What the scenario says itself is not said twice.
        if !says(&headers, name) {
            after_path.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let trace = (!target.untraced && !says(&headers, "traceparent")).then(|| {
        after_path.push_str("traceparent: ");
        let at = after_path.len();
        after_path.push_str(PLACEHOLDER);
        after_path.push_str("\r\n");
        at
    });
    // By it services tell a test from people, and this run from others (W3C Baggage).
    if !target.untraced && !says(&headers, "baggage") {
        after_path.push_str("baggage: synthetic.type=test,stressc.run.id=");
        percent_encode(around.run, "-._", &mut after_path);
        after_path.push_str("\r\n");
    }
    if target.connections == Some(Connections::PerRequest) && !says(&headers, "Connection") {
        after_path.push_str("Connection: close\r\n");
    }
    // The boundary stands in it, so no one else can say it.
    if matches!(body, Some(Body::Multipart(_))) {
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Type"));
    }
    if let Some(kind) = body.and_then(Body::kind).filter(|_| !says(&headers, "Content-Type")) {
        headers.push(("Content-Type".to_owned(), kind));
    }
    HeadTemplate { target: to, after_path, trace, headers, own_cookies }
}

/// Whether a header of that name is among these.
pub fn says<T>(headers: &[(String, T)], name: &str) -> bool {
    headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
}

fn exprs(template: &Template) -> Vec<&Code> {
    let method = match &template.method {
        Method::Known(_) => None,
        Method::Computed(method) => Some(method),
    };
    let query = template.query.iter().map(|(_, value)| value);
    let headers = template.heads.iter().flat_map(|head| &head.headers).flat_map(|(_, pieces)| values(pieces));
    let (Path::Below(path) | Path::Reference { pieces: path, .. }) = &template.path;
    let body = template.body.iter().flat_map(Body::exprs);
    method.into_iter().chain(values(path)).chain(query).chain(headers).chain(body).collect()
}

impl HeadTemplate {
    /// Its headers, but for those whose value is null.
    fn write(
        &self,
        frame: &mut Frame,
        paths: &Paths,
        out: &mut String,
        latin1: &mut Vec<Range<usize>>,
    ) -> Result<(), Unwritten> {
        for (name, pieces) in &self.headers {
            let before = out.len();
            out.push_str(name);
            out.push_str(": ");
            let start = out.len();
            match pieces.as_slice() {
                [Piece::Value(value)] => match frame.eval(value, paths)? {
                    Value::Null => {
                        out.truncate(before);
                        continue;
                    }
                    value => header_value(&value, out, latin1)?,
                },
                pieces => {
                    for piece in pieces {
                        match piece {
                            Piece::Literal(text) => out.push_str(text),
                            Piece::Value(value) => header_value(&frame.eval(value, paths)?, out, latin1)?,
                        }
                    }
                }
            }
            one_line(&out[start..])?;
            out.push_str("\r\n");
        }
        Ok(())
    }
}

impl Template {
    /// The whole request, into a buffer that the session keeps.
    pub fn write(
        &self,
        frame: &mut Frame,
        paths: &Paths,
        out: &mut Written,
        scratch: &mut String,
    ) -> Result<(), Unwritten> {
        let Written { text: out, head, trace, files, latin1, target, own_cookies, led_elsewhere } = out;
        out.clear();
        files.clear();
        latin1.clear();
        *led_elsewhere = false;
        match &self.method {
            Method::Known(method) => out.push_str(method),
            Method::Computed(method) => {
                write_plain(&frame.eval(method, paths)?, out)?;
                if !is_method(out) {
                    return Err(Unusable::Missing.into());
                }
            }
        }
        out.push(' ');
        let to = match &self.path {
            Path::Below(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => percent_encode(text, "/?&=:@!$'()*+,;~-._%[]", out),
                        Piece::Value(expr) => {
                            scratch.clear();
                            write_plain(&frame.eval(expr, paths)?, scratch)?;
                            percent_encode(scratch, "-._~", out);
                        }
                    }
                }
                self.heads.first()
            }
            Path::Reference { pieces, from, open_files, roots, by_file } => {
                scratch.clear();
                frame.write(pieces, paths, scratch)?;
                let place = reference::of_step(roots, *from, scratch).map_err(Unwritten::Path)?;
                out.push_str(&place.asked);
                *led_elsewhere = !by_file && place.target != *from;
                if *led_elsewhere && !open_files {
                    let why = "it leads to another target, and a file in its body holds a secret";
                    return Err(Unwritten::Path(why.to_owned()));
                }
                self.heads.iter().find(|head| head.target == place.target)
            }
        };
        let to = to.expect("each target that a request may go to has a head");
        (*target, *own_cookies) = (to.target, to.own_cookies);
        for (name, expr) in &self.query {
            match frame.eval(expr, paths)? {
                Value::Null => {}
                value => each(&value, scratch, |text| {
                    let before = if out.contains('?') { "&" } else { "?" };
                    pair(name, text, before, out);
                })?,
            }
        }
        *trace = to.trace.map(|at| out.len() + at);
        out.push_str(&to.after_path);
        to.write(frame, paths, out, latin1)?;
        let Some(body) = &self.body else {
            out.push_str("\r\n");
            *head = out.len();
            return Ok(());
        };
        scratch.clear();
        match body {
            Body::Json(expr) => frame.write_json(expr, paths, scratch)?,
            Body::Text(pieces) => frame.write(pieces, paths, scratch)?,
            Body::Form(fields) => {
                let mut plain = String::new();
                for (name, expr) in fields {
                    each(&frame.eval(expr, paths)?, &mut plain, |text| {
                        let before = if scratch.is_empty() { "" } else { "&" };
                        pair(name, text, before, scratch);
                    })?;
                }
            }
            Body::File(upload) => files.push(FilePart::whole(0, upload.file, paths)),
            Body::Multipart(parts) => {
                let boundary = multipart(parts, frame, paths, scratch, files)?;
                out.push_str("Content-Type: multipart/form-data; boundary=");
                out.push_str(&boundary);
                out.push_str("\r\n");
            }
        }
        if self.chunked {
            for piece in ["Transfer-Encoding: ", CHUNKED, "\r\n\r\n"] {
                out.push_str(piece);
            }
            *head = out.len();
            *files = in_chunks(scratch, files, out);
            return Ok(());
        }
        let length = scratch.len() + files.iter().map(|part| part.bytes.len()).sum::<usize>();
        // Writing to a String cannot fail.
        let _ = write!(out, "Content-Length: {length}\r\n\r\n");
        *head = out.len();
        files.iter_mut().for_each(|part| part.at += *head);
        out.push_str(scratch);
        Ok(())
    }
}

impl FilePart {
    fn whole(at: usize, file: usize, paths: &Paths) -> FilePart {
        FilePart { at, file, bytes: 0..paths.files.content(file).len() }
    }
}

/// A body in chunks (RFC 9112, 7.1): a text is one, so that whoever looks through it for a secret finds all of it; a file is as many as it
/// needs.
fn in_chunks(text: &str, files: &[FilePart], out: &mut String) -> Vec<FilePart> {
    fn text_chunk(text: &str, out: &mut String) {
        // One without bytes would be the last.
        if !text.is_empty() {
            chunk_head(text.len(), out);
            out.push_str(text);
            out.push_str("\r\n");
        }
    }
    fn chunk_head(length: usize, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{length:x}\r\n");
    }
    let (mut parts, mut from) = (Vec::new(), 0);
    for part in files {
        text_chunk(&text[from..part.at], out);
        from = part.at;
        let mut start = part.bytes.start;
        while start < part.bytes.end {
            let end = part.bytes.end.min(start + CHUNK);
            chunk_head(end - start, out);
            parts.push(FilePart { at: out.len(), file: part.file, bytes: start..end });
            out.push_str("\r\n");
            start = end;
        }
    }
    text_chunk(&text[from..], out);
    out.push_str("0\r\n\r\n");
    parts
}

/// A value among those of a header. What came in Latin-1 goes out so.
fn header_value(value: &Value, out: &mut String, latin1: &mut Vec<Range<usize>>) -> Result<(), Unusable> {
    let start = out.len();
    write_plain(value, out)?;
    if matches!(value, Value::Latin1(_)) {
        latin1.push(start..out.len());
    }
    Ok(())
}

/// `name=text` after what is before it.
fn pair(name: &str, text: &str, before: &str, out: &mut String) {
    out.push_str(before);
    percent_encode(name, "-._~", out);
    out.push('=');
    percent_encode(text, "-._~", out);
}

/// A value as a text; a list is several.
fn each(value: &Value, scratch: &mut String, mut put: impl FnMut(&str)) -> Result<(), Unusable> {
    let mut one = |value: &Value| {
        scratch.clear();
        write_plain(value, scratch)?;
        put(scratch);
        Ok(())
    };
    match value {
        Value::Json(list) if list.is_array() => {
            list.as_array().into_iter().flatten().try_for_each(|item| one(&from_json(item)))
        }
        value => one(value),
    }
}

/// A line break would end a header and start another one of somebody else's choice.
fn one_line(text: &str) -> Result<(), Unusable> {
    if text.contains(['\r', '\n', '\0']) { Err(Unusable::Missing) } else { Ok(()) }
}

/// A token (RFC 9110, 5.6.2). CONNECT would open a tunnel.
fn is_method(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token) && !name.eq_ignore_ascii_case("CONNECT")
}

/// What a part holds: a text of its own, or a file.
enum PartContent {
    Text(String),
    File(usize),
}

/// A body in parts (RFC 7578), with the places of its files; gives the boundary between them.
fn multipart(
    parts: &[(String, Content)],
    frame: &mut Frame,
    paths: &Paths,
    out: &mut String,
    files: &mut Vec<FilePart>,
) -> Result<String, Unusable> {
    let mut held: Vec<(String, PartContent)> = Vec::with_capacity(parts.len());
    let mut plain = String::new();
    for (name, content) in parts {
        let mut head = String::from("Content-Disposition: form-data; name=\"");
        quote(name, &mut head);
        head.push('"');
        match content {
            Content::Value(expr) => each(&frame.eval(expr, paths)?, &mut plain, |text| {
                held.push((head.clone(), PartContent::Text(text.to_owned())));
            })?,
            Content::File(Upload { file, kind, name }) => {
                plain.clear();
                frame.write(name, paths, &mut plain)?;
                head.push_str("; filename=\"");
                quote(&plain, &mut head);
                head.push_str("\"\r\nContent-Type: ");
                let start = head.len();
                frame.write(kind, paths, &mut head)?;
                one_line(&head[start..])?;
                held.push((head, PartContent::File(*file)));
            }
        }
    }
    let texts = held.iter().flat_map(|(head, content)| match content {
        PartContent::Text(text) => [head.as_str(), text],
        PartContent::File(_) => [head.as_str(), ""],
    });
    let sent: Vec<usize> = held
        .iter()
        .filter_map(|(_, content)| match content {
            PartContent::Text(_) => None,
            PartContent::File(file) => Some(*file),
        })
        .collect();
    let boundary = paths.files.boundary(&texts, &sent);
    for (head, content) in &held {
        for piece in ["--", &boundary, "\r\n", head, "\r\n\r\n"] {
            out.push_str(piece);
        }
        match content {
            PartContent::Text(text) => out.push_str(text),
            PartContent::File(file) => files.push(FilePart::whole(out.len(), *file, paths)),
        }
        out.push_str("\r\n");
    }
    for piece in ["--", &boundary, "--\r\n"] {
        out.push_str(piece);
    }
    Ok(boundary)
}

/// A name between quotes, as browsers write it (HTML Standard, 4.10.21.8; RFC 7578, 2).
fn quote(name: &str, out: &mut String) {
    for c in name.chars() {
        match c {
            '"' => out.push_str("%22"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c => out.push(c),
        }
    }
}

/// Every byte of the UTF-8 but letters, digits and what is kept (RFC 3986, 2.1).
pub fn percent_encode(text: &str, kept: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || (byte.is_ascii() && kept.contains(byte as char)) {
            out.push(byte as char);
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(HEX[(byte >> 4) as usize] as char);
            out.push(HEX[(byte & 15) as usize] as char);
        }
    }
}

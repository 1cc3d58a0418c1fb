//! The answer to a request, as far as later steps need it, and what they ask of it.

use super::assets::assets;
use super::document::JsonDocument;
use super::html::Page;
use super::path::JsonPath;
use super::pattern::Pattern;
use super::selector::Selector;
use super::{Unusable, Value};
use crate::wire::room::Room;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use url::Url;

/// After this many single lookups, the document is built, which costs about as much; later lookups cost next to nothing.
const SCANS: u8 = 8;
/// To go once through a shorter body takes no time that anybody could tell, and is not timed.
const LONG: usize = 64 << 10;

/// An answer. Its status is 0 if there is none, and below 100 if its protocol knows no statuses.
#[derive(Default)]
pub struct Answered {
    pub status: u16,
    pub latency: u64,
    pub body: Vec<u8>,
    /// What a large body takes of the memory for all that are kept.
    pub room: Room,
    pub headers: Vec<u8>,
    /// Bytes of the body as they came.
    pub wire_size: u64,
    /// How many rows a statement has changed.
    pub affected: u64,
    /// What was asked for, where something is resolved against it.
    pub url: Option<Box<Url>>,
    scans: Cell<u8>,
    /// What of the timeout of its step is left to look into it.
    left: Cell<Duration>,
    timed: Cell<bool>,
    json: OnceCell<Result<Rc<JsonDocument>, Unusable>>,
    html: OnceCell<Result<Box<Page>, Unusable>>,
}

impl Answered {
    pub fn clear(&mut self) {
        self.status = 0;
        self.latency = 0;
        self.wire_size = 0;
        self.affected = 0;
        self.timed.set(false);
        match self.is_long() {
            true => self.body = Vec::new(),
            false => self.body.clear(),
        }
        self.room = Room::default();
        self.headers.clear();
        self.url = None;
        self.scans.set(0);
        self.json.take();
        self.html.take();
    }

    fn is_long(&self) -> bool {
        self.body.len() >= LONG
    }

    /// Whether to look into it has taken time.
    pub fn took_time(&self) -> bool {
        self.timed.get()
    }

    /// How long it may be looked into.
    pub fn may_take(&self, left: Duration) {
        self.left.set(left);
    }

    /// Something that goes through the answer once.
    fn once<T>(&self, work: impl FnOnce() -> Result<T, Unusable>) -> Result<T, Unusable> {
        if self.is_long() { self.timed(|_| work()) } else { work() }
    }

    /// Something that takes as long as the server likes. What looks into an answer belongs to its step, and counts against
    /// the timeout of that: a worker does nothing else meanwhile.
    fn timed<T>(&self, work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Unusable>) -> Result<T, Unusable> {
        self.timed.set(true);
        let (left, began) = (self.left.get(), Instant::now());
        let late = || began.elapsed() >= left;
        if late() {
            return Err(Unusable::Late);
        }
        let done = work(&late);
        self.left.set(left.saturating_sub(began.elapsed()));
        if self.left.get().is_zero() { Err(Unusable::Late) } else { done }
    }

    /// All lines of a header as one value (RFC 9110, 5.3), in any case of letters. Of `Set-Cookie`, whose values have
    /// commas of their own, the first. Bytes that are no UTF-8 are kept.
    pub fn header(&self, name: &str) -> Option<Value> {
        let alone = name.eq_ignore_ascii_case("set-cookie");
        let mut joined: Option<Vec<u8>> = None;
        for (_, value) in lines(&self.headers).filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes())) {
            match &mut joined {
                None => joined = Some(value.to_vec()),
                Some(_) if alone => break,
                Some(joined) => {
                    joined.extend_from_slice(b", ");
                    joined.extend_from_slice(value);
                }
            }
        }
        Some(match String::from_utf8(joined?) {
            Ok(text) => Value::Text(text.into()),
            Err(other) => {
                Value::Latin1(other.as_bytes().iter().map(|byte| char::from(*byte)).collect::<String>().into())
            }
        })
    }

    /// A URL reference as the answer means it (RFC 3986, 5), without its fragment; none where it leads nowhere.
    pub fn url_of(&self, reference: &str) -> Option<String> {
        // Readers of URLs take line ends and tabs away.
        if reference.contains(char::is_control) {
            return None;
        }
        let mut url = self.url.as_ref()?.join(reference).ok()?;
        url.set_fragment(None);
        Some(url.into())
    }

    /// The body as a text, in the charset that its `Content-Type` names, else in UTF-8. What is wrong in it becomes U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        let named = || encoding_rs::Encoding::for_label(charset(&self.headers)?);
        match named() {
            Some(charset) if charset != encoding_rs::UTF_8 => charset.decode(&self.body).0,
            _ => String::from_utf8_lossy(&self.body),
        }
    }

    /// What a path names, or the list of all that it finds. In what is no JSON there is nothing to look for.
    pub fn found(&self, path: &JsonPath) -> Result<Value, Unusable> {
        if path.is_singular() {
            return self.first(path);
        }
        let document = self.document()?;
        self.once(|| path.found(&document.json))
    }

    /// What a path finds first; null where it finds nothing.
    pub fn first(&self, path: &JsonPath) -> Result<Value, Unusable> {
        // One that cannot be held is looked through again and again.
        let is_built = matches!(self.json.get(), Some(Ok(_)));
        if path.can_scan() && !is_built && (self.scans.get() < SCANS || self.document().is_err()) {
            self.scans.set(self.scans.get().saturating_add(1));
            return self.once(|| path.scan(&self.body));
        }
        let document = self.document()?;
        self.once(|| path.first(&document.json))
    }

    pub fn document(&self) -> Result<Rc<JsonDocument>, Unusable> {
        self.json.get_or_init(|| self.once(|| JsonDocument::read(&self.body).map(Rc::new))).clone()
    }

    /// What the first group of a pattern matches, or all of it where it has none; null where nothing matches.
    pub fn matched(&self, pattern: &Pattern) -> Result<Value, Unusable> {
        let text = |found: Option<&str>| found.map_or(Value::Null, |found| Value::Text(found.into()));
        if !self.is_long() && pattern.is_quick(self.body.len()) {
            return Ok(text(pattern.find(&self.text())));
        }
        self.timed(|late| {
            let body = self.text();
            let found = pattern.search(&body, late)?;
            let group = usize::from(pattern.has_groups());
            Ok(text(found.and_then(|found| found.get(group)).map(|found| found.as_str())))
        })
    }

    /// Whether a pattern finds something in the text.
    pub fn has(&self, pattern: &Pattern) -> Result<bool, Unusable> {
        match !self.is_long() && pattern.is_quick(self.body.len()) {
            true => pattern.is_in(&self.text(), &|| false),
            false => self.timed(|late| pattern.is_in(&self.text(), late)),
        }
    }

    fn page(&self) -> Result<&Page, Unusable> {
        let page = || self.timed(|late| Page::parse(&self.text(), late).map(Box::new));
        self.html.get_or_init(page).as_deref().map_err(|refused| *refused)
    }

    /// The URLs of what a browser fetches with the page, if they are of its own origin or of one of the others.
    pub fn assets(&self, others: &[Url]) -> Result<Value, Unusable> {
        let at = self.url.as_ref().ok_or(Unusable::Missing)?;
        let page = self.page()?;
        self.timed(|late| {
            let room = Room::default();
            let found = assets(page, at, others, &room, late)?;
            let found = Rc::new(serde_json::Value::Array(found));
            room.for_the_life_of(&found);
            Ok(Value::Json(found))
        })
    }

    /// The text of the first element that a selector finds, or one of its attributes; null if there is none.
    pub fn selected(&self, selector: &Selector, attribute: Option<&str>) -> Result<Value, Unusable> {
        let page = self.page()?;
        self.timed(|late| {
            let Some(element) = page.first(selector, late)? else { return Ok(Value::Null) };
            Ok(match attribute {
                Some(name) => element.attr(name).map_or(Value::Null, |value| Value::Text(value.into())),
                None => Value::Text(element.text().collect::<String>().trim().into()),
            })
        })
    }
}

/// Names and values, one a line.
fn lines(headers: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

/// The parameter of `Content-Type` (RFC 9110, 8.3.2), with or without quotes.
fn charset(headers: &[u8]) -> Option<&[u8]> {
    let (_, kind) = lines(headers).find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))?;
    kind.split(|byte| *byte == b';').skip(1).find_map(|parameter| {
        let equals = parameter.iter().position(|byte| *byte == b'=')?;
        let is_it = parameter[..equals].trim_ascii().eq_ignore_ascii_case(b"charset");
        let value = parameter[equals + 1..].trim_ascii();
        is_it.then(|| value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &str, body: &[u8]) -> Answered {
        Answered { headers: headers.as_bytes().to_vec(), body: body.to_vec(), ..Answered::default() }
    }

    #[test]
    fn several_lines_are_one_header() {
        let all =
            "Vary: Accept\r\nvary:  Origin \r\nVARY:\r\nSet-Cookie: a=1, b\r\nSet-Cookie: c=2\r\nX: \u{e9}\r\n\r\n";
        let answer = answer(all, b"");
        let header = |answer: &Answered, name: &str| answer.header(name).map(|value| format!("{value:?}"));
        assert_eq!(header(&answer, "Vary").as_deref(), Some("Text(\"Accept, Origin, \")"));
        assert_eq!(header(&answer, "set-cookie").as_deref(), Some("Text(\"a=1, b\")"));
        assert_eq!(header(&answer, "x").as_deref(), Some("Text(\"\u{e9}\")"));
        assert_eq!(header(&answer, "Var"), None);
        let other = Answered { headers: b"A: \xe9\x80\r\nB: b\r\n\r\n".to_vec(), ..Answered::default() };
        assert_eq!(header(&other, "a").as_deref(), Some("Latin1(\"\u{e9}\\u{80}\")"));
        assert_eq!(
            header(&other, "b").as_deref(),
            Some("Text(\"b\")"),
            "what one header holds is no matter of another"
        );
    }

    #[test]
    fn charsets_are_read() {
        let latin = |kind: &str| answer(&format!("Content-Type: {kind}\r\n\r\n"), b"gr\xfcn \x80").text().into_owned();
        assert_eq!(latin("text/html; charset=iso-8859-1"), "gr\u{fc}n \u{20ac}", "as browsers read it");
        assert_eq!(latin("text/html ;Charset = \"windows-1252\""), "gr\u{fc}n \u{20ac}");
        assert_eq!(latin("text/html; charset=utf-8"), "gr\u{fffd}n \u{fffd}");
        assert_eq!(latin("text/html; charset=klingon"), "gr\u{fffd}n \u{fffd}");
        assert_eq!(latin("text/html"), "gr\u{fffd}n \u{fffd}");
        let wide = answer("content-type: text/plain; x=y; charset=utf-16le\r\n", b"h\0i\0");
        assert_eq!(wide.text(), "hi");
    }

    #[test]
    fn the_document_is_built_where_many_values_are_taken() {
        let answer = answer("", b"{\"a\":1}");
        let path = JsonPath::new("$.a").unwrap();
        for taken in 1..=SCANS + 2 {
            assert!(matches!(answer.found(&path), Ok(Value::Number(1.0))));
            assert_eq!(answer.json.get().is_some(), taken > SCANS);
        }
    }

    #[test]
    fn looking_into_a_long_body_counts_against_the_timeout() {
        let body = format!("<p>{}</p>", "x".repeat(LONG));
        let (pattern, selector) = (Pattern::new("x+").unwrap(), Selector::parse("p").unwrap());
        let late = answer("", body.as_bytes());
        late.may_take(Duration::ZERO);
        assert_eq!(late.matched(&pattern).unwrap_err(), Unusable::Late);
        assert_eq!(late.selected(&selector, None).unwrap_err(), Unusable::Late);
        assert_eq!(late.found(&JsonPath::new("$.a").unwrap()).unwrap_err(), Unusable::Late);
        let in_time = answer("", body.as_bytes());
        in_time.may_take(Duration::from_secs(3600));
        assert!(matches!(in_time.matched(&pattern), Ok(Value::Text(_))));
        assert!(matches!(in_time.selected(&selector, None), Ok(Value::Text(_))));
        assert!(in_time.left.get() < Duration::from_secs(3600));
        assert!(in_time.took_time());
    }

    #[test]
    fn what_a_server_can_make_long_of_a_short_body_counts_too() {
        let short = answer("", b"<p>x</p>");
        assert!(matches!(short.matched(&Pattern::new("x+").unwrap()), Ok(Value::Text(_))), "that takes no time");
        assert!(matches!(short.found(&JsonPath::new("$.a").unwrap()), Ok(Value::Null) | Err(Unusable::Missing)));
        assert!(!short.took_time());
        assert_eq!(short.selected(&Selector::parse("p").unwrap(), None).unwrap_err(), Unusable::Late);
        let letters = answer("", "xz".repeat(4000).as_bytes());
        assert_eq!(letters.matched(&Pattern::new("x[xz]{500}[^xz]").unwrap()).unwrap_err(), Unusable::Late);
        assert!(letters.took_time());
    }
}

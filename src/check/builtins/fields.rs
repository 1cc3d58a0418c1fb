//! Fields and methods of values, by the type of the value.

use super::{Par, may, need};
use crate::check::types::Type;

pub struct Field {
    pub of: Type,
    pub name: &'static str,
    /// `None`: a field; else a method with its parameters.
    pub parameters: Option<&'static [Par]>,
    pub result: Type,
    pub doc: &'static str,
    pub example: &'static str,
}

const fn field(of: Type, name: &'static str, result: Type, doc: &'static str, example: &'static str) -> Field {
    Field { of, name, parameters: None, result, doc, example }
}

const fn method(
    of: Type,
    name: &'static str,
    parameters: &'static [Par],
    result: Type,
    doc: &'static str,
    example: &'static str,
) -> Field {
    Field { of, name, parameters: Some(parameters), result, doc, example }
}

const UNIT: &[Type] =
    &[Type::Number, Type::Duration, Type::Bytes, Type::Percent, Type::Rate, Type::Bandwidth, Type::Count];

pub const FIELDS: &[Field] = &[
    field(
        Type::Service,
        "url",
        Type::Text,
        "`http://` and the address, without a path; of `postgres()` `postgres://` with user, password, address and database.",
        "shop.url",
    ),
    field(Type::Service, "address", Type::Text, "Host and port, as `127.0.0.1:8080`.", "shop.address"),
    field(Type::Service, "host", Type::Text, "The host name or address, without the port.", "shop.host"),
    field(
        Type::Service,
        "ca",
        Type::Text,
        "Of `demo(tls: true)`: the certificate of the authority that signed for it, in PEM.",
        "secure.ca",
    ),
    field(Type::Service, "port", Type::Count, "The port, a whole number.", "shop.port"),
    field(Type::Service, "metrics_address", Type::Text, "Host and port of its /metrics page.", "shop.metrics_address"),
    method(
        Type::Service,
        "url",
        &[may("via", &[Type::Link])],
        Type::Text,
        "The address, reached through a link.",
        "pg.url(via: db)",
    ),
    field(
        Type::Service,
        "cpu",
        Type::Series,
        "Processor time in percent of one core, of all its processes: two busy cores are 200%. Read once a second.",
        "max(shop.cpu) < 300%",
    ),
    field(
        Type::Service,
        "memory",
        Type::Series,
        "Resident memory in bytes, of all its processes; what they share counts once. Read once a second.",
        "max(shop.memory) < 1GiB",
    ),
    field(
        Type::Service,
        "open_files",
        Type::Series,
        "Open file descriptors, sockets included, read once a second.",
        "max(shop.open_files) < 1000",
    ),
    field(Type::Service, "threads", Type::Series, "Threads, read once a second.", "max(shop.threads) < 100"),
    method(
        Type::Service,
        "metric",
        &[need("name", &[Type::Text]), may("unit", UNIT), may("missing", UNIT)],
        Type::Series,
        "A series of its /metrics page, read once a second: the sum of all samples of a name, or of those with labels as asked, `name{route=\"/orders\", status!=\"200\"}` in single quotes. `unit` says what one in it is worth, such as `1s` or `1B` (a plain number). `missing` is what it is where the page does not have it, in the unit of the series, such as 0 of a counter that begins with its first event; a name that the page never had draws a warning. Without it that is a gap.",
        "max(shop.metric(\"db_pool_waiting\", missing: 0)) == 0",
    ),
    field(Type::Link, "address", Type::Text, "Where the link listens, as `host:port`.", "db.address"),
    field(
        Type::Link,
        "url",
        Type::Text,
        "`http://` and the address, without a path; `https://` of a link with `tls: terminate`.",
        "db.url",
    ),
    field(
        Type::Link,
        "ca",
        Type::Text,
        "Of a link with `tls: terminate`: the certificate of the authority that signed for it, in PEM.",
        "ended.ca",
    ),
    field(Type::Link, "port", Type::Count, "The port, a whole number.", "db.port"),
    method(
        Type::Monitor,
        "query",
        &[need("query", &[Type::Text]), may("unit", UNIT), may("missing", UNIT)],
        Type::Series,
        "What a query gives over time, asked once a second; `unit` says what one in it is worth, such as `1s` or `1B` (a plain number). `missing` is what it is where the query gives nothing, in the unit of the series; a query that never gave anything draws a warning. Without it that is a gap.",
        "max(watch.query('up')) == 1",
    ),
    field(
        Type::Monitor,
        "cpu",
        Type::Series,
        "Of `host()`: processor time in percent of all cores together, from 0% to 100%.",
        "max(machine.cpu) < 95%",
    ),
    field(
        Type::Monitor,
        "memory",
        Type::Series,
        "Of `host()`: memory in use in bytes, without caches that the kernel gives back.",
        "max(machine.memory) < 64GiB",
    ),
    field(
        Type::Alerts,
        "delivery_delay",
        Type::Samples,
        "The time from firing to delivery of each alert, where there is a `receiver`.",
        "p95(pager.delivery_delay) < 5s",
    ),
    method(
        Type::Data,
        "next",
        &[],
        Type::Row,
        "The next row in the order of the file, over all users; after the last comes the first. Iterations take them by their numbers, not as they start.",
        "let row = products.next()",
    ),
    method(
        Type::Data,
        "unique",
        &[],
        Type::Row,
        "A row that nobody else gets in this run. `check` refuses a plan that needs more rows than there are for certain (E0413); where they run out, the iteration fails with the kind `data`.",
        "let row = products.unique()",
    ),
    method(
        Type::Data,
        "random",
        &[],
        Type::Row,
        "Any row at random, each as likely as the others.",
        "let row = products.random()",
    ),
    method(
        Type::Data,
        "per_user",
        &[],
        Type::Row,
        "The row of this user, the same in every iteration. Where there are more users than rows, the first row follows the last and users share them (W0817).",
        "let row = products.per_user()",
    ),
    field(Type::Response, "status", Type::Count, "The status code, from 100 to 599.", "home.status"),
    field(
        Type::Response,
        "latency",
        Type::Duration,
        "The time from the intended instant to the last byte.",
        "home.latency",
    ),
    field(
        Type::Response,
        "text",
        Type::Text,
        "The body as a text, in the charset that its `Content-Type` names (UTF-8 where it names none); what is wrong in it becomes U+FFFD.",
        "home.text",
    ),
    field(
        Type::Response,
        "size",
        Type::Bytes,
        "How long the body is, decoded, in bytes. To know it the body is read, up to 64 MiB.",
        "home.size",
    ),
    field(
        Type::Response,
        "wire_size",
        Type::Bytes,
        "How long the body is as it came: compressed where it is, without the framing of chunks. Of a body that nobody reads it is known as well, whatever its length.",
        "home.wire_size",
    ),
    method(
        Type::Response,
        "json",
        &[need("path", &[Type::Text])],
        Type::Json,
        "What a JSONPath (RFC 9535) finds in the body: the one thing that it names, null where it is not there; of a path with wildcards, slices, filters, several selectors or `..` the list of all that it finds. In a body that is no JSON there is nothing to look for: a check that asks it fails.",
        "home.json(\"$.id\")",
    ),
    method(
        Type::Response,
        "header",
        &[need("name", &[Type::Text])],
        Type::Text,
        "The header of this name, in any case of letters; null where it is missing. Several lines of one name are one value, joined by `, ` (RFC 9110, 5.3); of `Set-Cookie` it is the first. Bytes that are no UTF-8 are read as Latin-1, and as the value of a header they are sent as they came.",
        "home.header(\"Location\")",
    ),
    method(
        Type::Response,
        "regex",
        &[need("pattern", &[Type::Text])],
        Type::Text,
        "What the first group of a regular expression finds in the text of the body, or the whole match where it has no group; null where nothing matches. The expression is one of the crate `regex` (docs.rs/regex): in linear time, without look-around and references back.",
        "home.regex('id=([0-9]+)')",
    ),
    method(
        Type::Response,
        "css",
        &[need("selector", &[Type::Text]), may("attribute", &[Type::Text])],
        Type::Text,
        "The text of the first element of an HTML body that a CSS selector finds, with all in it and without blanks around, or its `attribute`; null where there is none.",
        "home.css('h1')",
    ),
    method(
        Type::Response,
        "url",
        &[need("reference", &[Type::Text, Type::Secret, Type::Json])],
        Type::Text,
        "A link of the answer as a whole URL: a relative one is resolved against what was asked for, after redirects (RFC 3986, 5); null of null, and of what leads nowhere. A `<base>` of the page is not looked at.",
        "home.url(\"../next?page=2\")",
    ),
    field(Type::Response, "rows", Type::Json, "The rows of a query, as a list of objects.", "home.rows"),
    field(
        Type::List,
        "count",
        Type::Count,
        "How many items a list has; null of what is no list.",
        "home.json(\"$.items\").count",
    ),
    field(
        Type::List,
        "first",
        Type::Json,
        "The first item of a list; null where there is none.",
        "home.json(\"$.items\").first",
    ),
    field(
        Type::List,
        "last",
        Type::Json,
        "The last item of a list; null where there is none.",
        "home.json(\"$..id\").last",
    ),
    method(
        Type::List,
        "at",
        &[need("index", &[Type::Count])],
        Type::Json,
        "The item of a list at a place, counted from 0; null where there is none.",
        "home.json(\"$.items\").at(2)",
    ),
    method(
        Type::List,
        "random",
        &[],
        Type::Json,
        "Any item of a list, each as likely as the others, and the same for the same seed; null where there is none.",
        "home.json(\"$[*]\").random()",
    ),
    method(
        Type::List,
        "sample",
        &[need("size", &[Type::Count])],
        Type::List,
        "So many items at random, each at most once, in an order at random; all where there are fewer.",
        "home.json(\"$[*]\").sample(3)",
    ),
    method(
        Type::Json,
        "json",
        &[need("path", &[Type::Text])],
        Type::Json,
        "What a JSONPath (RFC 9535) finds in it, as of an answer. `x.name` is short for `x.json(\"$['name']\")`, where `name` is no field or method of Json itself.",
        "home.json(\"$.a\").json(\"$.b\")",
    ),
    field(
        Type::Samples,
        "service_time",
        Type::Samples,
        "The same requests, timed from the actual send instead of the intended instant: without what the generator or a queue before the send added.",
        "p95(main.service_time) < 1s",
    ),
    field(
        Type::Samples,
        "first_byte",
        Type::Samples,
        "The same requests, timed from the intended instant to the first byte of the answer.",
        "p95(main.first_byte) < 1s",
    ),
    field(
        Type::Samples,
        "connect_time",
        Type::Samples,
        "How long they opened connections (TCP), all tries together; a request on an open connection adds no sample.",
        "p95(main.connect_time) < 1s",
    ),
    field(
        Type::Samples,
        "tls_time",
        Type::Samples,
        "How long their TLS handshakes took; a request on an open connection adds no sample.",
        "p95(main.tls_time) < 1s",
    ),
    field(
        Type::Samples,
        "attempts",
        Type::Samples,
        "Each try by itself, and in `count` each send on the wire. Compare a server's own counter with this.",
        "count(main.attempts) > 0",
    ),
    field(
        Type::Samples,
        "in_flight",
        Type::Series,
        "How many of them are in flight, from the first send to the last byte: in each second the mean over its time, so that the mean is their rate times their \
         `service_time` (Little's law).",
        "min(main.in_flight) >= 1",
    ),
    field(
        Type::Window,
        "start",
        Type::Instant,
        "The instant at which it starts: planned for a stage, actual for a fault.",
        "count(main) > 1 after plateau.start",
    ),
    field(
        Type::Window,
        "end",
        Type::Instant,
        "The instant at which it ends: planned for a stage, actual for a fault.",
        "count(main) > 1 before plateau.end",
    ),
    field(Type::Window, "length", Type::Duration, "How long it is, a duration.", "cut.impact.length < 10s"),
    field(
        Type::Window,
        "first",
        Type::Window,
        "Of several windows of one name the first.",
        "count(main) > 1 during wave.first",
    ),
    field(
        Type::Window,
        "last",
        Type::Window,
        "Of several windows of one name the last.",
        "count(main) > 1 during wave.last",
    ),
    field(
        Type::Window,
        "impact",
        Type::Window,
        "The window from the loss of the steady state to its return; a scenario needs a `steady_state` for it (E0406). Only the run knows it, so nothing can be planned by it (E0404).",
        "error_rate(main) < 50% during cut.impact",
    ),
];

/// The type under whose fields those of a type stand.
fn family(kind: Type) -> &'static [Type] {
    match kind {
        Type::Load => &[Type::Samples, Type::Window],
        Type::Flow | Type::Step | Type::Samples => &[Type::Samples],
        Type::Stage | Type::Injection | Type::Event | Type::Window | Type::Windows => &[Type::Window],
        Type::Service => &[Type::Service],
        Type::Link => &[Type::Link],
        Type::Monitor => &[Type::Monitor],
        Type::Alerts => &[Type::Alerts],
        Type::Data => &[Type::Data],
        Type::Response => &[Type::Response],
        Type::Json => &[Type::List, Type::Json],
        Type::List => &[Type::List, Type::Json],
        _ => &[],
    }
}

pub fn fields_of(kind: Type) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(move |field| family(kind).contains(&field.of))
}

/// The field or method of a type with this name.
pub fn find(kind: Type, name: &str, is_method: bool) -> Option<&'static Field> {
    fields_of(kind).find(|field| field.name == name && field.parameters.is_some() == is_method)
}

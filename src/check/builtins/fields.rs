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
        "`http://` and the address, without a path. For `postgres()`: `postgres://` with user, password, address and database.",
        "shop.url",
    ),
    field(Type::Service, "address", Type::Text, "Host and port, as `127.0.0.1:8080`.", "shop.address"),
    field(Type::Service, "host", Type::Text, "The host name or address, without the port.", "shop.host"),
    field(
        Type::Service,
        "ca",
        Type::Text,
        "For `demo(tls: true)`: the certificate of the authority that signed its certificate, in PEM.",
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
        "Processor time of all its processes, in percent of one core: two busy cores are 200%. Read once a second.",
        "max(shop.cpu) < 300%",
    ),
    field(
        Type::Service,
        "memory",
        Type::Series,
        "Resident memory of all its processes in bytes; shared memory counts once. Read once a second.",
        "max(shop.memory) < 1GiB",
    ),
    field(
        Type::Service,
        "open_files",
        Type::Series,
        "Open file descriptors, including sockets. Read once a second.",
        "max(shop.open_files) < 1000",
    ),
    field(Type::Service, "threads", Type::Series, "Number of threads. Read once a second.", "max(shop.threads) < 100"),
    method(
        Type::Service,
        "metric",
        &[need("name", &[Type::Text]), may("unit", UNIT), may("missing", UNIT)],
        Type::Series,
        "A series of its /metrics page, read once a second: the sum of all samples with this name, or of those whose labels match, as in `name{route=\"/orders\", status!=\"200\"}` (write it in single quotes). `unit` says what the number 1 means, such as `1s` or `1B` (a plain number). `missing` is the value to use when the page does not have the name, in the unit of the series, such as 0 for a counter that appears with its first event (a gap). A name that the page never had draws a warning.",
        "max(shop.metric(\"db_pool_waiting\", missing: 0)) == 0",
    ),
    field(Type::Link, "address", Type::Text, "Where the link listens, as `host:port`.", "db.address"),
    field(
        Type::Link,
        "url",
        Type::Text,
        "`http://` and the address, without a path; `https://` for a link with `tls: terminate`.",
        "db.url",
    ),
    field(
        Type::Link,
        "ca",
        Type::Text,
        "For a link with `tls: terminate`: the certificate of the authority that signed its certificate, in PEM.",
        "ended.ca",
    ),
    field(Type::Link, "port", Type::Count, "The port, a whole number.", "db.port"),
    method(
        Type::Monitor,
        "query",
        &[need("query", &[Type::Text]), may("unit", UNIT), may("missing", UNIT)],
        Type::Series,
        "The result of a query over time, asked once a second. `increase` of a selector, or of a `sum` of one, uses raw samples instead: see [Counters](#counters). `unit` says what the number 1 means, such as `1s` or `1B` (a plain number). `missing` is the value to use when the query has no result, in the unit of the series (a gap). A query that never had a result draws a warning.",
        "max(watch.query('up')) == 1",
    ),
    method(
        Type::Monitor,
        "age",
        &[need("selector", &[Type::Text])],
        Type::Series,
        "For `prometheus(…)`: how old the newest sample of the selected series is, asked once a second. It grows while nothing is scraped, up to five minutes.",
        "max(watch.age('up')) < 30s",
    ),
    field(
        Type::Monitor,
        "cpu",
        Type::Series,
        "For `host()`: processor time in percent of all cores together, from 0% to 100%.",
        "max(machine.cpu) < 95%",
    ),
    field(
        Type::Monitor,
        "memory",
        Type::Series,
        "For `host()`: memory in use in bytes, without caches that the kernel can free.",
        "max(machine.memory) < 64GiB",
    ),
    field(
        Type::Alerts,
        "delivery_delay",
        Type::Samples,
        "The time from the firing of each alert to its delivery. It needs a `receiver`; a `webhook` alone does not know when an alert began to fire, except as the message says.",
        "p95(pager.delivery_delay) < 5s",
    ),
    method(
        Type::Data,
        "next",
        &[],
        Type::Row,
        "The next row in the order of the file, over all users. After the last row comes the first. Iterations take rows in the order of their numbers, not of their starts.",
        "let row = products.next()",
    ),
    method(
        Type::Data,
        "unique",
        &[],
        Type::Row,
        "A row that is used only once in this run. `check` refuses a plan that certainly needs more rows than there are (E0413). If they run out during the run, the iteration fails with the kind `data`.",
        "let row = products.unique()",
    ),
    method(
        Type::Data,
        "random",
        &[],
        Type::Row,
        "A random row; all are equally likely.",
        "let row = products.random()",
    ),
    method(
        Type::Data,
        "per_user",
        &[],
        Type::Row,
        "The row of this user, the same in every iteration. If there are more users than rows, users share rows: after the last row comes the first (W0817).",
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
        "The body as a text, in the charset from its `Content-Type` (default UTF-8). Invalid bytes become U+FFFD.",
        "home.text",
    ),
    field(
        Type::Response,
        "size",
        Type::Bytes,
        "The size of the decoded body in bytes. Using it reads the body, up to 64 MiB.",
        "home.size",
    ),
    field(
        Type::Response,
        "wire_size",
        Type::Bytes,
        "The size of the body as received, before decompression and without the framing of chunks. It is known even for a body that is not read, whatever its length.",
        "home.wire_size",
    ),
    method(
        Type::Response,
        "json",
        &[need("path", &[Type::Text])],
        Type::Json,
        "What a JSONPath (RFC 9535) finds in the body: the one value that it names, or null if it is not there. A path with wildcards, slices, filters, several selectors or `..` gives the list of all matches. If the body is not JSON, a check that uses it fails.",
        "home.json(\"$.id\")",
    ),
    method(
        Type::Response,
        "header",
        &[need("name", &[Type::Text])],
        Type::Text,
        "The header with this name, which is case-insensitive; null if it is missing. Several lines with one name are joined by `, ` (RFC 9110, 5.3); for `Set-Cookie` it is the first line. Bytes that are not UTF-8 are read as Latin-1; used as the value of a header, they are sent unchanged.",
        "home.header(\"Location\")",
    ),
    method(
        Type::Response,
        "regex",
        &[need("pattern", &[Type::Text])],
        Type::Text,
        "What the first group of a regular expression finds in the text of the body, or the whole match if there is no group; null if nothing matches. The syntax is that of the crate `regex` (docs.rs/regex): linear time, without look-around and backreferences.",
        "home.regex('id=([0-9]+)')",
    ),
    method(
        Type::Response,
        "css",
        &[need("selector", &[Type::Text]), may("attribute", &[Type::Text])],
        Type::Text,
        "The text of the first element of an HTML body that a CSS selector finds, including nested elements and without surrounding whitespace, or its `attribute`; null if there is none.",
        "home.css('h1')",
    ),
    method(
        Type::Response,
        "url",
        &[need("reference", &[Type::Text, Type::Secret, Type::Json])],
        Type::Text,
        "A link in the answer as a whole URL: a relative one is resolved against the URL of the request, after redirects (RFC 3986, 5). Null gives null, and so does a link that cannot be resolved. A `<base>` element is ignored.",
        "home.url(\"../next?page=2\")",
    ),
    method(
        Type::Response,
        "assets",
        &[may("others", &[Type::List])],
        Type::List,
        "The whole URLs of what a browser fetches with an HTML page, each once and in the order of the page: stylesheets, scripts, images (`src`, otherwise the first of `srcset`), the first icon, and what `preload` names. Left out are images with `loading=lazy`, scripts with `nomodule`, and the contents of `template` and `noscript`. Relative URLs are resolved against the URL of the request, after redirects, or the `<base>` of the page. Only URLs with the scheme, host and port of the page are in the list, or with those of a URL in `others`. A request to one of them still needs a target at that address.",
        "home.assets()",
    ),
    field(
        Type::Response,
        "event",
        Type::Text,
        "The type of an event that was received; `message` if the server names none.",
        "news.event",
    ),
    field(
        Type::Response,
        "id",
        Type::Text,
        "The last id that the stream of an event has named so far; null if none.",
        "news.id",
    ),
    field(
        Type::Response,
        "rows",
        Type::Json,
        "The rows that a `query` or an `execute` returns, as a list of objects: a field for each column.",
        "recent.rows.first.id",
    ),
    field(
        Type::Response,
        "affected",
        Type::Count,
        "How many rows an `execute` has inserted, changed or deleted.",
        "changed.affected",
    ),
    field(
        Type::List,
        "count",
        Type::Count,
        "The number of items in a list; null if the value is not a list.",
        "home.json(\"$.items\").count",
    ),
    field(
        Type::List,
        "first",
        Type::Json,
        "The first item of a list; null if there is none.",
        "home.json(\"$.items\").first",
    ),
    field(
        Type::List,
        "last",
        Type::Json,
        "The last item of a list; null if there is none.",
        "home.json(\"$..id\").last",
    ),
    method(
        Type::List,
        "at",
        &[need("index", &[Type::Count])],
        Type::Json,
        "The item of a list at an index, counted from 0; null if there is none.",
        "home.json(\"$.items\").at(2)",
    ),
    method(
        Type::List,
        "random",
        &[],
        Type::Json,
        "A random item of a list; all are equally likely, and the same seed gives the same item. Null if there is none.",
        "home.json(\"$[*]\").random()",
    ),
    method(
        Type::List,
        "sample",
        &[need("size", &[Type::Count])],
        Type::List,
        "This many random items in random order, each at most once; all if there are fewer.",
        "home.json(\"$[*]\").sample(3)",
    ),
    method(
        Type::Json,
        "json",
        &[need("path", &[Type::Text])],
        Type::Json,
        "What a JSONPath (RFC 9535) finds in the value, as in an answer. `x.name` is short for `x.json(\"$['name']\")`, unless `name` is a field or method of Json itself.",
        "home.json(\"$.a\").json(\"$.b\")",
    ),
    field(
        Type::Samples,
        "service_time",
        Type::Samples,
        "The same requests, timed from the actual send instead of the intended instant: without delays of the generator and of queues before the send.",
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
        "The time that opening connections took (TCP), all tries together. A request on an open connection adds no sample.",
        "p95(main.connect_time) < 1s",
    ),
    field(
        Type::Samples,
        "tls_time",
        Type::Samples,
        "The time that TLS handshakes took. A request on an open connection adds no sample.",
        "p95(main.tls_time) < 1s",
    ),
    field(
        Type::Samples,
        "attempts",
        Type::Samples,
        "Each try as a sample of its own; in `count`, each send on the wire. Compare the counter of a server with this.",
        "count(main.attempts) > 0",
    ),
    field(
        Type::Samples,
        "in_flight",
        Type::Series,
        "How many requests are in flight, from the first send to the last byte. The value of each second is the mean over that second, so the mean over a window is the rate times the mean \
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
    field(Type::Window, "length", Type::Duration, "Its length, a duration.", "cut.impact.length < 10s"),
    field(
        Type::Window,
        "first",
        Type::Window,
        "The first of several windows with one name.",
        "count(main) > 1 during wave.first",
    ),
    field(
        Type::Window,
        "last",
        Type::Window,
        "The last of several windows with one name.",
        "count(main) > 1 during wave.last",
    ),
    field(
        Type::Window,
        "impact",
        Type::Window,
        "The window from the loss of the steady state to its return. It needs a `steady_state` in the scenario (E0406). Only the run knows it, so no instant of the plan can depend on it (E0404).",
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

//! Functions: computed from their arguments, or known when the run starts.

use super::{Builtin, Kind, Par, may, need};
use crate::check::types::Type;

const TEXT: &[Type] = &[Type::Text];
const SIGNED: &[Type] = &[Type::Text, Type::Secret];
const ONE_TEXT: &[Par] = &[need("text", SIGNED)];
const TWO: &[Par] = &[need("a", &[Type::Number, Type::Duration]), need("b", &[Type::Number, Type::Duration])];

const fn pure(
    name: &'static str,
    parameters: &'static [Par],
    result: Type,
    doc: &'static str,
    example: &'static str,
) -> Builtin {
    Builtin { name, kind: Kind::Pure, parameters, variadic: false, result, doc, example }
}

pub const TABLE: &[Builtin] = &[
    pure("uuid", &[], Type::Text, "A fresh UUID (RFC 9562, version 4), never the same in two runs.", "uuid()"),
    pure("now", &[], Type::Number, "Seconds since 1970-01-01 UTC, with fractions.", "now()"),
    pure(
        "format_time",
        &[need("time", &[Type::Number]), need("format", TEXT)],
        Type::Text,
        "A time in seconds since 1970, in UTC and rounded to a microsecond, by a format of POSIX `strftime` in its C locale. Beside that, `%f` is the fraction of the second, `%3f` with three digits and `%.3f` also with its dot, and `%-d` is without padding. A format that is none fails the iteration with the kind `data`.",
        "format_time(now(), \"%Y-%m-%d\")",
    ),
    pure("base64", ONE_TEXT, Type::Text, "The bytes in Base64 (RFC 4648, with padding).", "base64(\"a:b\")"),
    pure("hex", ONE_TEXT, Type::Text, "The bytes in hexadecimal, in lower case.", "hex(\"ab\")"),
    pure("sha256", ONE_TEXT, Type::Text, "SHA-256 in hexadecimal (FIPS 180-4).", "sha256(\"ab\")"),
    pure(
        "hmac_sha256",
        &[need("key", SIGNED), need("text", SIGNED)],
        Type::Text,
        "HMAC-SHA-256 in hexadecimal (RFC 2104).",
        "hmac_sha256(\"key\", \"text\")",
    ),
    pure(
        "url_encode",
        ONE_TEXT,
        Type::Text,
        "Percent-encoding of all but unreserved characters (RFC 3986).",
        "url_encode(\"a b\")",
    ),
    pure(
        "random",
        &[need("range", &[Type::Range])],
        Type::Number,
        "A whole number of the range, ends included, each as likely as the others; the same for the same seed.",
        "random(1..100)",
    ),
    pure(
        "random_text",
        &[need("length", &[Type::Count])],
        Type::Text,
        "So many letters and digits at random; the same for the same seed.",
        "random_text(12)",
    ),
    pure("lower", ONE_TEXT, Type::Text, "The text in lower case (Unicode).", "lower(\"AB\")"),
    pure("upper", ONE_TEXT, Type::Text, "The text in upper case (Unicode).", "upper(\"ab\")"),
    pure(
        "replace",
        &[need("text", TEXT), need("what", TEXT), need("with", TEXT)],
        Type::Text,
        "The text with every occurrence of `what` replaced by `with`.",
        "replace(\"a-b\", \"-\", \"_\")",
    ),
    pure("min", TWO, Type::Wrong, "The smaller of two numbers or durations.", "min(1, 2)"),
    pure("max", TWO, Type::Wrong, "The larger of two numbers or durations.", "max(1, 2)"),
    pure(
        "exists",
        &[need("value", &[Type::Json])],
        Type::Bool,
        "Whether a path found something that is not null.",
        "exists(home.json(\"$.id\"))",
    ),
    pure(
        "bytes",
        &[need("size", &[Type::Bytes])],
        Type::Text,
        "A text of this size in bytes, letters and digits in turn, to be a body; at most 1GiB.",
        "bytes(64KiB)",
    ),
    Builtin {
        name: "exponential",
        kind: Kind::Distribution,
        parameters: &[need("mean", &[Type::Duration])],
        variadic: false,
        result: Type::Duration,
        doc: "Think time with this mean, exponentially distributed: most often short, sometimes several times the mean, as between events that know nothing of each other.",
        example: "think exponential(2s)",
    },
    Builtin {
        name: "env",
        kind: Kind::Input,
        parameters: &[need("name", TEXT), may("default", TEXT)],
        variadic: false,
        result: Type::Text,
        doc: "A variable of the environment or of `--env-file`, read before the run; a scenario that lacks one checks, and does not run.",
        example: "param place: Text = env(\"PLACE\", default: \"http://127.0.0.1:8080\")",
    },
    Builtin {
        name: "secret",
        kind: Kind::Input,
        parameters: &[need("name", TEXT), may("default", TEXT)],
        variadic: false,
        result: Type::Secret,
        doc: "A variable whose value is never printed, logged, stored or reported, and neither is a text that holds it.",
        example: "param token: Secret = secret(\"SHOP_TOKEN\", default: \"demo\")",
    },
    Builtin {
        name: "file",
        kind: Kind::Input,
        parameters: &[need("path", TEXT), may("type", TEXT), may("name", TEXT)],
        variadic: false,
        result: Type::Text,
        doc: "The text of a file, relative to the file that names it. As the `body:` of a request or a part of its `multipart:` any file of up to 1 GiB, sent byte for byte: `type` is its `Content-Type` (by the ending of its name, else `application/octet-stream`), `name` the name that a part gives it (its own).",
        example: "param page: Text = file(\"page.txt\")",
    },
    Builtin {
        name: "template",
        kind: Kind::Input,
        parameters: &[need("path", TEXT), may("values", &[Type::Object])],
        variadic: false,
        result: Type::Text,
        doc: "The text of a file in which each `{name}` is a value that is given.",
        example: "service one = process(\"prom\") { files: { \"a.yml\": template(\"page.txt\", { port: 1 }) } }",
    },
    Builtin {
        name: "port",
        kind: Kind::Input,
        parameters: &[],
        variadic: false,
        result: Type::Count,
        doc: "A free port of this machine, chosen when the run starts.",
        example: "let one = port()",
    },
];

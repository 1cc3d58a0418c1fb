//! Functions: computed from their arguments, or known when the run starts.

use super::{Builtin, BuiltinKind, Par, may, need};
use crate::check::types::Type;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is computed of values while a flow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueFunction {
    Now,
    FormatTime,
    Base64,
    Hex,
    Sha256,
    HmacSha256,
    UrlEncode,
    RandomText,
    Lower,
    Upper,
    Replace,
    Min,
    Max,
    Exists,
    Bytes,
}

impl ValueFunction {
    const ALL: [ValueFunction; 15] = [
        ValueFunction::Now,
        ValueFunction::FormatTime,
        ValueFunction::Base64,
        ValueFunction::Hex,
        ValueFunction::Sha256,
        ValueFunction::HmacSha256,
        ValueFunction::UrlEncode,
        ValueFunction::RandomText,
        ValueFunction::Lower,
        ValueFunction::Upper,
        ValueFunction::Replace,
        ValueFunction::Min,
        ValueFunction::Max,
        ValueFunction::Exists,
        ValueFunction::Bytes,
    ];

    /// That of a row of the table.
    pub fn of(name: &str) -> Option<ValueFunction> {
        ValueFunction::ALL.into_iter().find(|function| function.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            ValueFunction::Now => "now",
            ValueFunction::FormatTime => "format_time",
            ValueFunction::Base64 => "base64",
            ValueFunction::Hex => "hex",
            ValueFunction::Sha256 => "sha256",
            ValueFunction::HmacSha256 => "hmac_sha256",
            ValueFunction::UrlEncode => "url_encode",
            ValueFunction::RandomText => "random_text",
            ValueFunction::Lower => "lower",
            ValueFunction::Upper => "upper",
            ValueFunction::Replace => "replace",
            ValueFunction::Min => "min",
            ValueFunction::Max => "max",
            ValueFunction::Exists => "exists",
            ValueFunction::Bytes => "bytes",
        }
    }

    /// Whether it gives the same for the same arguments, always and everywhere.
    pub fn is_pure(self) -> bool {
        match self {
            ValueFunction::Now | ValueFunction::RandomText => false,
            ValueFunction::FormatTime
            | ValueFunction::Base64
            | ValueFunction::Hex
            | ValueFunction::Sha256
            | ValueFunction::HmacSha256
            | ValueFunction::UrlEncode
            | ValueFunction::Lower
            | ValueFunction::Upper
            | ValueFunction::Replace
            | ValueFunction::Min
            | ValueFunction::Max
            | ValueFunction::Exists
            | ValueFunction::Bytes => true,
        }
    }

    /// Whether it chooses at random, so that each call changes what is chosen next.
    pub fn chooses(self) -> bool {
        match self {
            ValueFunction::RandomText => true,
            ValueFunction::Now
            | ValueFunction::FormatTime
            | ValueFunction::Base64
            | ValueFunction::Hex
            | ValueFunction::Sha256
            | ValueFunction::HmacSha256
            | ValueFunction::UrlEncode
            | ValueFunction::Lower
            | ValueFunction::Upper
            | ValueFunction::Replace
            | ValueFunction::Min
            | ValueFunction::Max
            | ValueFunction::Exists
            | ValueFunction::Bytes => false,
        }
    }

    /// Whether what it was given can be got back from its value.
    pub fn reveals(self) -> bool {
        match self {
            ValueFunction::FormatTime
            | ValueFunction::Base64
            | ValueFunction::Hex
            | ValueFunction::UrlEncode
            | ValueFunction::Lower
            | ValueFunction::Upper
            | ValueFunction::Replace => true,
            ValueFunction::Now
            | ValueFunction::Sha256
            | ValueFunction::HmacSha256
            | ValueFunction::RandomText
            | ValueFunction::Min
            | ValueFunction::Max
            | ValueFunction::Exists
            | ValueFunction::Bytes => false,
        }
    }
}

const TEXT: &[Type] = &[Type::Text];
const SIGNED: &[Type] = &[Type::Text, Type::Secret];
const ONE_TEXT: &[Par] = &[need("text", SIGNED)];
const TWO: &[Par] = &[need("a", &[Type::Number, Type::Duration]), need("b", &[Type::Number, Type::Duration])];

const fn pure(
    function: ValueFunction,
    parameters: &'static [Par],
    result: Type,
    doc: &'static str,
    example: &'static str,
) -> Builtin {
    of_its_own(function.name(), parameters, result, doc, example)
}

/// One that is an expression by itself.
const fn of_its_own(
    name: &'static str,
    parameters: &'static [Par],
    result: Type,
    doc: &'static str,
    example: &'static str,
) -> Builtin {
    Builtin { name, kind: BuiltinKind::Pure, parameters, variadic: false, result, doc, example }
}

pub const TABLE: &[Builtin] = &[
    of_its_own("uuid", &[], Type::Text, "A new UUID (RFC 9562, version 4), different in every run.", "uuid()"),
    pure(ValueFunction::Now, &[], Type::Number, "Seconds since 1970-01-01 UTC, with fractions.", "now()"),
    pure(
        ValueFunction::FormatTime,
        &[need("time", &[Type::Number]), need("format", TEXT)],
        Type::Text,
        "Formats a time in seconds since 1970, in UTC and rounded to a microsecond, with a format of POSIX `strftime` in the C locale. In addition, `%f` is the fraction of the second, `%3f` has three digits, `%.3f` has the dot as well, and `%-d` has no padding. An invalid format fails the iteration with the kind `data`.",
        "format_time(now(), \"%Y-%m-%d\")",
    ),
    pure(
        ValueFunction::Base64,
        ONE_TEXT,
        Type::Text,
        "The bytes in Base64 (RFC 4648, with padding).",
        "base64(\"a:b\")",
    ),
    pure(ValueFunction::Hex, ONE_TEXT, Type::Text, "The bytes in hexadecimal, in lower case.", "hex(\"ab\")"),
    pure(ValueFunction::Sha256, ONE_TEXT, Type::Text, "SHA-256 in hexadecimal (FIPS 180-4).", "sha256(\"ab\")"),
    pure(
        ValueFunction::HmacSha256,
        &[need("key", SIGNED), need("text", SIGNED)],
        Type::Text,
        "HMAC-SHA-256 in hexadecimal (RFC 2104).",
        "hmac_sha256(\"key\", \"text\")",
    ),
    pure(
        ValueFunction::UrlEncode,
        ONE_TEXT,
        Type::Text,
        "Percent-encoding of all characters except unreserved ones (RFC 3986).",
        "url_encode(\"a b\")",
    ),
    of_its_own(
        "random",
        &[need("range", &[Type::Range])],
        Type::Number,
        "A random whole number in the range, including both ends; all are equally likely. The same seed gives the same numbers.",
        "random(1..100)",
    ),
    pure(
        ValueFunction::RandomText,
        &[need("length", &[Type::Count])],
        Type::Text,
        "This many random letters and digits. The same seed gives the same text.",
        "random_text(12)",
    ),
    pure(ValueFunction::Lower, ONE_TEXT, Type::Text, "The text in lower case (Unicode).", "lower(\"AB\")"),
    pure(ValueFunction::Upper, ONE_TEXT, Type::Text, "The text in upper case (Unicode).", "upper(\"ab\")"),
    pure(
        ValueFunction::Replace,
        &[need("text", TEXT), need("what", TEXT), need("with", TEXT)],
        Type::Text,
        "The text with every occurrence of `what` replaced by `with`.",
        "replace(\"a-b\", \"-\", \"_\")",
    ),
    pure(ValueFunction::Min, TWO, Type::Wrong, "The smaller of two numbers or durations.", "min(1, 2)"),
    pure(ValueFunction::Max, TWO, Type::Wrong, "The larger of two numbers or durations.", "max(1, 2)"),
    pure(
        ValueFunction::Exists,
        &[need("value", &[Type::Json])],
        Type::Bool,
        "Whether a path found something that is not null.",
        "exists(home.json(\"$.id\"))",
    ),
    pure(
        ValueFunction::Bytes,
        &[need("size", &[Type::Bytes])],
        Type::Text,
        "A text of this size in bytes, made of letters and digits, for use as a body; at most 1GiB.",
        "bytes(64KiB)",
    ),
    Builtin {
        name: "exponential",
        kind: BuiltinKind::Distribution,
        parameters: &[need("mean", &[Type::Duration])],
        variadic: false,
        result: Type::Duration,
        doc: "Think time with this mean, exponentially distributed, as between independent events: often short, sometimes several times the mean.",
        example: "think exponential(2s)",
    },
    Builtin {
        name: "env",
        kind: BuiltinKind::Input,
        parameters: &[need("name", TEXT), may("default", TEXT)],
        variadic: false,
        result: Type::Text,
        doc: "An environment variable, or one from `--env-file`, read before the run. A scenario with a missing variable passes `check` but does not run.",
        example: "param place: Text = env(\"PLACE\", default: \"http://127.0.0.1:8080\")",
    },
    Builtin {
        name: "secret",
        kind: BuiltinKind::Input,
        parameters: &[need("name", TEXT), may("default", TEXT)],
        variadic: false,
        result: Type::Secret,
        doc: "A variable whose value is never printed, logged, stored or reported, alone or inside another text.",
        example: "param token: Secret = secret(\"SHOP_TOKEN\", default: \"demo\")",
    },
    Builtin {
        name: "file",
        kind: BuiltinKind::Input,
        parameters: &[need("path", TEXT), may("type", TEXT), may("name", TEXT)],
        variadic: false,
        result: Type::Text,
        doc: "The text of a file; the path is relative to the file that names it. In the `body:` of a request, or as a part of its `multipart:`, it sends any file of up to 1 GiB byte for byte: `type` is its `Content-Type` (from the file extension, otherwise `application/octet-stream`), `name` the file name in a part (its own name).",
        example: "param page: Text = file(\"page.txt\")",
    },
    Builtin {
        name: "template",
        kind: BuiltinKind::Input,
        parameters: &[need("path", TEXT), may("values", &[Type::Object])],
        variadic: false,
        result: Type::Text,
        doc: "The text of a file, with each `{name}` replaced by the given value.",
        example: "service one = process(\"prom\") { files: { \"a.yml\": template(\"page.txt\", { port: 1 }) } }",
    },
    Builtin {
        name: "port",
        kind: BuiltinKind::Input,
        parameters: &[],
        variadic: false,
        result: Type::Count,
        doc: "A free port of this machine, chosen when the run starts.",
        example: "let one = port()",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_has_a_row_and_is_told_by_its_name() {
        for function in ValueFunction::ALL {
            assert_eq!(serde_json::json!(function), function.name());
            assert!(TABLE.iter().any(|row| row.kind == BuiltinKind::Pure && row.name == function.name()));
        }
        let rest = TABLE.iter().filter(|row| row.kind == BuiltinKind::Pure && ValueFunction::of(row.name).is_none());
        assert_eq!(rest.map(|row| row.name).collect::<Vec<_>>(), ["uuid", "random"]);
    }
}

//! Requests, pauses and values of flows.

use super::Row;

pub const ROWS: &[Row] = &[
    // What stands around a statement elsewhere.
    (r"^(?:then|Then|And|Given|When|step|do|return|yield|await|async|\*|\d+\.|-|\.|>)\s+(.+)$", "$1"),
    (r"^\.(.+)$", "$1"),
    (r"^(.+?)\s*[;,.]+$", "$1"),
    (r"^(.+?) (?:then|do|end)$", "$1"),
    (r"\.await\??", ""),
    (r"\b(?:await|new) ", ""),
    // Requests as calls, as in a protocol, and with the words of others.
    (r"^(?:exec[ (]+)?http\((<Q>)\)\.(<M>)\((<Q>)\).*$", "$2 $3 as %1"),
    (r"^(?:http|https|client|self|requests?|axios|session|browser|page|url|this)[. ]+(.+)$", "$1"),
    (r"^(<N>)\.((?i:get|post|put|patch|delete|head|options)\b.*)$", "$2 on $1"),
    (r"^(<N>) (<M> <Q>)(.*)$", "$2 on $1$3"),
    (r"^(<M>) (<N>) (<Q>)(.*)$", "$1 $3 on $2$4"),
    (r"^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|Get|Post|Put|Patch|Delete|Head)\b(.*)$", "%1$2"),
    (r#"^(?:request|call)\(["'](<N>)["'], ?(<Q>).*$"#, "%1 $2"),
    (r"^(?:request|call) (<M>) (.+)$", "$1 $2"),
    (r"^(?:visit|open|navigate|goto|curl|fetch|load|request|call)(?: to)?[ (]+(<Q>|/[^ )]*)\)?(.*)$", "get $1$2"),
    (r"^(<M>)[ (:=]+(<Q>)\)?$", "$1 $2"),
    (r"^(<M>)[ (:=]+(<Q>)\) ?(.+)$", "$1 $2 $3"),
    (r"^(<M>)[ (:=]+(<Q>)\s*,.*?\)?((?: as <N>)?)$", "$1 $2$3"),
    (r#"^(<M>)[ (:=]+(/[^ ,;"')]*)["']?\)?(.*)$"#, "$1 \"$2\"$3"),
    (r"^(<M>) https?://[^/ ]*(/[^ )]*)(.*)$", "$1 \"$2\"$3"),
    (r#"^(<M>) (?:f|r|b|\$|@)(["'].*)$"#, "$1 $2"),
    (
        r"^(<M> <Q>)\s*(?:->|=>|=|,|:|as:|as =|names?|named|called|into|to|save as|store as|as)?\s*(<N>|<Q>)$",
        "$1 as %2",
    ),
    (r"^(<M>) as (<N>) (<Q>)$", "$1 $3 as $2"),
    (r"^(<M> <Q>) (?:from|in|using|@|to|via|against|at|with) (<N>)(.*)$", "$1 on $2$3"),
    (r"^(<M> <Q>) HTTP/[0-9.]+$", "$1"),
    (r"^(<M> <Q>) (?:timeout|headers|json|body|with|params|data)[: =]+.+?((?: as <N>)?)$", "$1$2"),
    (r"^(<M> <Q>) retr(?:y|ies)[:( =]+(\d+)\)?(?: times)?(.*)$", "$1 retry $2$3"),
    (r"^(<M> <Q>) as (<N>) as <N>$", "$1 as $2"),
    // Names of values.
    (
        r"^(?:(?:let|const|var|val|auto|my|final|mut|export|local|static|Row|string|int) )*(<N>)(?:, ?<N>)?(?: ?: ?[A-Za-z][A-Za-z0-9.<>]*)? ?(?::=|=|<-|:) ?(<M>\b.*)$",
        "$2 as %1",
    ),
    (
        r"^(?:(?:let|const|var|val|auto|my|final|mut|export|local|static|Row|string|int) )*(<N>)(?:, ?<N>)?(?: ?: ?[A-Za-z][A-Za-z0-9.<>]*)? ?(?::=|=|<-|:) ?(?:http|client|self\.client|requests|api|axios)\.((?i:get|post|put|patch|delete|head)\b.*)$",
        "%2 as %1",
    ),
    (
        r"^(?:(?:let|const|var|val|auto|my|final|mut|export|local|static|Row|string|int|capture|assign|extract|save|store|def) )+(<N>)(?: ?: ?[A-Za-z][A-Za-z0-9.<>]*)? ?(?::=|==|=>|->|<-|=|:) ?(.+)$",
        "let %1 = $2",
    ),
    (r"^(let <N> = .+) as <N>$", "$1"),
    (r"^(<N>) ?(?:<-|:=) ?(.+)$", "let %1 = $2"),
    (r"^(<N>) ?([+*/-])= ?(.+)$", "set $1 = $1 $2 $3"),
    (r"^(<N>)\+\+$", "set $1 = $1 + 1"),
    (r"^count \+= ?(.+)$", "count $1"),
    (r"^([a-z_][a-z0-9_]*) = (.+)$", "set $1 = $2"),
    (r"^set (<N>)(?: =|:) ?(.+)$", "let %1 = $2"),
    (r"^let (<N>) = (<N>)$", "let $1 = $2.next()"),
    (r"^let (<N>) = (?:random|next|choice|pick|sample)\((<N>)\)$", "let $1 = $2.random()"),
    (r"^let (<N>) = (<N>)(?:\.rows)?\[\d+\]$", "let $1 = $2.next()"),
    (
        r"^let (<N>) = (?:data\.|file\.)?(<N>)[:. ](?:get|row|at|shuffle|circular|random|choice)(?:\([^)]*\))?(?:\[\d+\])?$",
        "let $1 = $2.random()",
    ),
    (r"^feed(?:er)?[ (]+(<N>)\)?$", "let row = $1.next()"),
    // Pauses.
    (
        r"^(?:<N>(?:\.|::))*(?:sleep|Sleep|wait|pause|delay|thinktime|think_time|thinkTime|gaussian_think|wait_time|setTimeout|constant_pacing|pacing|pace|idle|rest)\b[ (:=]*(.+?)\)?$",
        "think $1",
    ),
    (r"^(between\(.+\))$", "think $1"),
    (
        r"^think[ (\[{:=]*(?:between|from|random|uniform|rnd)?[ (]*(\d[\d.]*(?:ms|s|m)) ?(?:,|and|to|-|\.\.=|\.\.\.|\.\.|;|–| ) ?(\d[\d.]*(?:ms|s|m))[)\]}]*$",
        "think $1..$2",
    ),
    (
        r"^think[ (\[{:=]*(?:between|from|random|uniform|rnd)?[ (]*(\d[\d.]?) ?(?:,|and|to|-|\.\.=|\.\.\.|\.\.|;) ?(\d[\d.]?)[)\]}]*$",
        "think $1s..$2s",
    ),
    (r"^think[ (\[{:=+]*(?:for )?(<D>)[)\]} ]*(?:seconds?)?$", "think $1"),
    (r"^think.*\b(?:from_secs|from_secs_f64|ofSeconds|seconds)\((\d[\d.]*)\)+$", "think $1s"),
    (r"^think.*\b(?:from_millis|ofMillis|milliseconds)\((\d+)\)+$", "think $1ms"),
    (r"^think (?:(\d+) ?\* ?)time\.Second$", "think $1s"),
    (r"^think time\.Second(?: ?\* ?(\d+))$", "think $1s"),
    (r"^think time\.Second$", "think 1s"),
    (r"^think (?:Math\.)?random\(\) ?\* ?(\d+)$", "think 0s..$1s"),
    (r"^think (\d\d?)$", "think $1s"),
    (r"^think (\d{3,})$", "think $1ms"),
];

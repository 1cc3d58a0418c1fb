//! Every word inside a statement: what it joins, how it is written, and what it does.

/// A word inside a statement: what it joins, and a piece of text that has it.
pub struct Clause {
    pub text: &'static str,
    pub form: &'static str,
    pub doc: &'static str,
}

const fn clause(text: &'static str, form: &'static str, doc: &'static str) -> Clause {
    Clause { text, form, doc }
}

pub const CLAUSES: &[Clause] = &[
    clause("and", "CONDITION and CONDITION", "Both must hold. It fails if one side fails, whatever the other is."),
    clause("or", "CONDITION or CONDITION", "One must hold. It holds if one side holds, whatever the other is."),
    clause("not", "not CONDITION", "Holds if the condition fails; inconclusive stays inconclusive."),
    clause("else", "if … { … } else { … }", "The steps to run if the condition does not hold."),
    clause("for", "hold 10/s for 10s; fault … for 5s; for at most 1m", "How long a stage, a fault or an event lasts."),
    clause("over", "ramp 10/s -> 50/s over 30s", "How long a ramp takes."),
    clause(
        "during",
        "CONDITION during WINDOW; fault … during WINDOW",
        "In a condition: only what lies in the window counts. In a fault: it lasts as long as the window.",
    ),
    clause(
        "strict",
        "CONDITION strict",
        "If the bound lies within the 95% interval of the value, the condition is inconclusive, and so is the run. Without `strict`, the report only says that the value is near.",
    ),
    clause("outside", "CONDITION outside WINDOW", "Only what lies before or after the window counts."),
    clause("after", "CONDITION after WINDOW or INSTANT", "Only what lies after the end of the window counts."),
    clause("before", "CONDITION before WINDOW or INSTANT", "Only what lies before the start of the window counts."),
    clause(
        "within",
        "A within 2% of B; CONDITION within 60s of INSTANT; receive … within 2s",
        "Between two values: they differ by at most that. After a condition: it becomes true by then and stays so. After \
         `receive`: how long to wait for the message.",
    ),
    clause(
        "where",
        "p95(main where status == 200); receive where CONDITION",
        "Selects requests by what is known when they are complete: `status`, `ok`, `error`, `attempt`, `latency`.",
    ),
    clause("while", "repeat while CONDITION; search … while CONDITION", "Goes on as long as the condition holds."),
    clause("until", "repeat until CONDITION", "Goes on until the condition holds."),
    clause(
        "every",
        "steps … every 10s; during W every 30s for 5s; CONDITION in every 10s",
        "How often: the interval of stairs, of a loop or of a recurring fault, or the length of slices that are judged one by one.",
    ),
    clause("settle", "sweep … each settle 2s", "Time before each level of a sweep that is not measured."),
    clause(
        "at",
        "load … at INSTANT; fault … at INSTANT; at most 10",
        "When something begins: an instant of the timeline, such as `plateau + 10s`. `at most` is a bound.",
    ),
    clause("of", "load NAME of FLOW; A within 2% of B; alert … within 20s of cut", "What something belongs to."),
    clause("from", "repeat i from 1; alert … from pager", "Where a counter begins, or which source an alert has."),
    clause(
        "in",
        "status in [200, 201]; status in 200..299; each x in LIST; alert in [\"A\", \"B\"] may fire; CONDITION in 95% of every 10s; record KEY in LEDGER",
        "Membership in a list, or in a range including its ends. After a condition: in every slice of the scope, or in a share of them.",
    ),
    clause(
        "contains",
        "text contains \"a\"; json(\"$.tags\") contains \"a\"",
        "Whether a text is in a text, or a value in a list.",
    ),
    clause("starts", "text starts with \"a\"", "Whether a text begins with another one. It is case-sensitive."),
    clause("ends", "text ends with \"a\"", "Whether a text ends with another one. It is case-sensitive."),
    clause(
        "matches",
        "text matches 'a+'; json(\"$.id\") matches '^[0-9]+$'",
        "Whether a regular expression, as for `regex`, matches somewhere in a text; `^…$` matches all of it.",
    ),
    clause(
        "by",
        "steps … by 50/s; once 100 iterations by 5 users",
        "The height of a stair, or the users who share the work.",
    ),
    clause("as", "get … as NAME; hold … as NAME; use … as NAME", "Names a step, a stage, a part of a mix or a module."),
    clause("on", "flow NAME on TARGET; get … on TARGET", "The target that the flow or the request talks to."),
    clause(
        "retry",
        "retry TIMES [backoff DURATIONS] [when REASONS]",
        "Tries again, at most that often. All tries are one sample, from the first send to the last answer.",
    ),
    clause(
        "backoff",
        "backoff 100ms..2s",
        "How long to wait before a retry: a fixed time, or a range. In a range, the wait starts at the shortest and doubles each time up to the longest, and is shortened at random by up to half.",
    ),
    clause(
        "when",
        "retry 3 when [503, timeout]; abort when CONDITION; ready when CONDITION",
        "Under which condition. For a retry: the statuses and kinds of failure that are worth another try.",
    ),
    clause(
        "together",
        "each x in LIST at most 10 together",
        "All items at the same time instead of one after the other.",
    ),
    clause("speed", "replay DATA speed 2x", "How many times faster than the recorded times."),
    clause("fires", "alert TEXT fires within 20s of cut", "The alert begins to fire in time."),
    clause("resolves", "alert TEXT resolves within 20s of cut.end", "The alert resolves in time."),
    clause("stays", "alert TEXT stays quiet during plateau", "The alert does not fire."),
    clause(
        "may",
        "alert TEXT may fire during cut",
        "The alert may fire, so it is not one of the others that must not.",
    ),
    clause("keeps", "alert TEXT keeps firing", "The alert fires all the time: a dead man's switch."),
    clause(
        "baseline",
        "METRIC <= baseline + 5%; METRIC >= baseline(\"v1.4\") - 5%",
        "The same metric in earlier runs that did the same, kept next to the file: the newest baseline, or the one with that name.",
    ),
];

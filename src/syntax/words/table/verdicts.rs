//! Words of what must hold: of expectations, ledgers and suites.

use super::super::Context::{Expect, Ledger, Suite};
use super::{Word, form, word};

pub const WORDS: &[Word] = &[
    word(
        "alert",
        &[Expect],
        "What an alert must do. The given labels must match. `from` names the source if there are several. `alert in LIST` says the same of each alert whose name is in a list.",
        &[form(
            Expect,
            "alert TEXT [{ LABELS }] [from SOURCE] fires within DURATION of INSTANT\nalert TEXT … resolves within DURATION of INSTANT\nalert TEXT … stays quiet [SCOPES]\nalert TEXT … may fire [SCOPES]\nalert TEXT … keeps firing [SCOPES]",
            "alert \"ErrorRate\" fires within 20s of cut",
        )],
    ),
    word(
        "no",
        &[Expect],
        "No alert fires except those that other lines of the scenario expect or allow.",
        &[form(Expect, "no other alert fires [from SOURCE] [SCOPES]", "no other alert fires from pager")],
    ),
    word(
        "verify",
        &[Ledger],
        "Looks up one entry by its key, after the load. If the answer does not contain it, the entry is lost.",
        &[form(
            Ledger,
            "verify KEY { STEPS }",
            "verify key {\n  get \"/orders?key={key}\" as found\n  count found.json(\"$[*]\")\n}",
        )],
    ),
    word(
        "area",
        &[Suite],
        "Scenarios that count together, with their weight in the score; without weights all areas count the same.",
        &[form(Suite, "area NAME [PERCENT]: SCENARIO, …", "area traffic 100%: light, heavy")],
    ),
    word(
        "ready",
        &[Suite],
        "When the suite is good enough, in terms of `score`, the names of areas, `passed(SCENARIO)`, and `rule_coverage(FILE, labels: { … })`.",
        &[form(
            Suite,
            "ready when CONDITION",
            "area traffic 100%: light, heavy\nready when score >= 85% and passed(light)",
        )],
    ),
    word(
        "strict",
        &[Suite],
        "Every expectation of its scenarios is judged as if `strict` stood after it: near its bound it is inconclusive.",
        &[form(Suite, "strict", "area traffic 100%: light, heavy\nstrict")],
    ),
];

//! Words of a load and of the shapes of loads.

use super::super::Context::{Flow, Load};
use super::{Word, form, word};

pub const WORDS: &[Word] = &[
    word(
        "warmup",
        &[Load],
        "A level that is held and not judged, unless a scope asks for it.",
        &[form(Load, "warmup LEVEL for DURATION [as NAME]", "warmup 20/s for 5s")],
    ),
    word(
        "hold",
        &[Load],
        "A level that is held: iterations started per second, or users at a time.",
        &[form(Load, "hold LEVEL for DURATION [as NAME]", "hold 100/s for 1m as plateau")],
    ),
    word(
        "ramp",
        &[Load],
        "From one level to another in a straight line, exact for every arrival.",
        &[form(Load, "ramp LEVEL -> LEVEL over DURATION [as NAME]", "ramp 10/s -> 200/s over 30s as rising")],
    ),
    word(
        "spike",
        &[Load],
        "A short level, usually a multiple of the one before it.",
        &[form(
            Load,
            "spike FACTOR for DURATION [as NAME]\nspike LEVEL for DURATION [as NAME]",
            "hold 20/s for 10s\nspike 10x for 5s as burst",
        )],
    ),
    word(
        "steps",
        &[Load],
        "Stairs: from one level to another in equal steps, each held for the same time, the last one too.",
        &[form(
            Load,
            "steps LEVEL -> LEVEL by LEVEL every DURATION [as NAME]",
            "steps 50/s -> 200/s by 50/s every 10s as stairs",
        )],
    ),
    word(
        "idle",
        &[Load],
        "A pause: nothing is started, and iterations under way go on.",
        &[form(Load, "idle DURATION [as NAME]", "hold 20/s for 10s\nidle 5s")],
    ),
    word(
        "sweep",
        &[Load],
        "Each level in turn, for the metrics of scalability. `settle` adds time before each level that is not measured.",
        &[form(
            Load,
            "sweep LEVELS for DURATION each [settle DURATION] [as NAME]",
            "sweep [1, 2, 4, 8] users for 10s each settle 2s as ladder",
        )],
    ),
    word(
        "search",
        &[Load],
        "Finds the highest level at which a condition holds, by halving the range down to 2% of its upper end. `plan` says how \
         long that can take. It must be the last stage of its load.",
        &[form(
            Load,
            "search LEVEL..LEVEL for DURATION each while CONDITION [as NAME]",
            "search 50/s .. 2000/s for 15s each while p99(example) < 250ms",
        )],
    ),
    word(
        "replay",
        &[Load],
        "One iteration for each row of data, at the time in its column `at` (or `time`, or `timestamp`), counted from the first row. It must be the last stage of its load.",
        &[form(Load, "replay DATA [speed FACTOR] [as NAME]", "replay log speed 2x")],
    ),
    word(
        "repeat",
        &[Load, Flow],
        "In a load: repeats stages. In a flow: repeats steps until a condition holds, while one holds, or a number of times. The \
         bound `at most` is required; reaching it without the condition fails the iteration.",
        &[
            form(
                Load,
                "repeat TIMES { STAGES }",
                "repeat 3 {\n  ramp 10/s -> 50/s over 10s as up\n  ramp 50/s -> 10/s over 5s as down\n}",
            ),
            form(
                Flow,
                "repeat [NAME from NUMBER] [until CONDITION | while CONDITION] [every DURATION] at most COUNT or DURATION { STEPS }",
                "repeat until poll.status == 200 every 1s at most 30s {\n  get \"/health\" as poll\n}",
            ),
        ],
    ),
    word(
        "once",
        &[Load, Flow],
        "In a load: a fixed number of iterations, shared among users. In a flow: steps that a user runs in its first \
         iteration, and again after `every`. Their values and answers stay with the user, also when `set` changes them later.",
        &[
            form(
                Load,
                "once COUNT iterations by USERS within DURATION [as NAME]",
                "once 2000 iterations by 50 users within 1m",
            ),
            form(
                Flow,
                "once per user [every DURATION] { STEPS }",
                "once per user every 50m {\n  post \"/login\" as login {\n    form: { user: \"u{user.id}\", password: \"demo\" }\n  }\n}",
            ),
        ],
    ),
];

//! Words of a file, of what it declares and of a scenario.

use super::super::Context::{self, Expect, File, Flow, Load, Request, Scenario, Steady, System};
use super::{Word, form, word};

const PARTS: &[Context] = &[File, System, Scenario];

pub const WORDS: &[Word] = &[
    word(
        "use",
        &[File],
        "Brings in a module of the library or another file; its names follow its own, as in `shapes.plateau`.",
        &[form(File, "use std.NAME [as NAME]\nuse \"PATH.stress\" [as NAME]", "use std.shapes")],
    ),
    word(
        "param",
        &[File],
        "A value of the file that `--set` or a profile can set from outside. Without a default it must be given.",
        &[form(File, "param NAME: TYPE [= VALUE]", "param rise: Duration = 30s")],
    ),
    word(
        "allow",
        &[File],
        "Hosts other than this machine to which the scenarios of the file may send load and faults, and the most requests that a run \
         may send. A run that would reach any other host asks, or needs `--yes`.",
        &[
            form(
                File,
                "allow HOSTS [at most COUNT requests]",
                "allow \"*.staging.example.com\", \"10.1.0.0/16\" at most 1M requests",
            ),
            form(File, "allow at most COUNT requests", "allow at most 100k requests"),
        ],
    ),
    word(
        "profile",
        &[File],
        "A named set of values for parameters, chosen with `--profile` in every file that declares it.",
        &[form(File, "profile NAME {\n  PARAMETER = VALUE\n}", "profile ci {\n  rise = 5s\n}")],
    ),
    word(
        "data",
        PARTS,
        "Rows of a file, for the iterations to take.",
        &[form(
            Scenario,
            "data NAME = CONSTRUCTOR(ARGUMENTS) [{ OPTIONS }]",
            "data rows = csv(\"products.csv\") { columns: { id: Count } }",
        )],
    ),
    word(
        "system",
        PARTS,
        "What is under test: services, links and targets as one bundle, with parameters; or a named instance of one. \
         `sut.api` is a part of it. All its parts start and stop with the run.",
        &[
            form(
                File,
                "system NAME[(PARAMETERS)] { DECLARATIONS }",
                "system storefront(pool: Count = 10) {\n  service app = demo(pool: pool)\n  target api = http(app.url)\n}",
            ),
            form(File, "system NAME = SYSTEM(ARGUMENTS)", "system sut = storefront(pool: 2)"),
        ],
    ),
    word(
        "service",
        PARTS,
        "A process that the run starts, waits for, watches and stops; or one that already runs.",
        &[form(
            Scenario,
            "service NAME = CONSTRUCTOR(ARGUMENTS) [{ OPTIONS }]",
            "service shop = demo(pool: 4) {\n  ready_within: 10s\n}",
        )],
    ),
    word(
        "link",
        PARTS,
        "A path between two services. The system under test sees the faults that act on it.",
        &[form(Scenario, "link NAME = CONSTRUCTOR(to: ADDRESS)", "link db = tcp(to: pg.address)")],
    ),
    word(
        "target",
        PARTS,
        "What flows talk to. Its constructor sets the protocol.",
        &[form(
            Scenario,
            "target NAME = CONSTRUCTOR(ADDRESS) [{ OPTIONS }]",
            "target api = http(shop.url) {\n  timeout: 2s\n}",
        )],
    ),
    word(
        "limiter",
        PARTS,
        "A rate limit of the generator itself. Steps in `acquire` keep to it, over all users.",
        &[form(Scenario, "limiter NAME = limiter(RATE)", "limiter quota = limiter(100/s)")],
    ),
    word(
        "semaphore",
        PARTS,
        "A number of places. Steps in `acquire` take one and give it back, over all users.",
        &[form(Scenario, "semaphore NAME = semaphore(PLACES)", "semaphore desks = semaphore(10)")],
    ),
    word(
        "monitor",
        PARTS,
        "Something that is watched during the load. Its series are judged like those of a service.",
        &[form(
            Scenario,
            "monitor NAME = CONSTRUCTOR(ARGUMENTS)",
            "monitor watch = prometheus(\"http://127.0.0.1:9090\")",
        )],
    ),
    word(
        "alerts",
        PARTS,
        "A source of alerts: a server that is asked for them, or an address that receives them.",
        &[form(
            Scenario,
            "alerts NAME = CONSTRUCTOR(ARGUMENTS) [{ OPTIONS }]",
            "alerts pager = alertmanager(\"http://127.0.0.1:9093\")",
        )],
    ),
    word(
        "flow",
        &[File, Scenario],
        "What one user does in one iteration: steps in order. With parameters it is a template, instantiated by a call. \
         Its target is the one after `on`, its only parameter of a target's type, or the only target of the scenario.",
        &[
            form(
                Scenario,
                "flow NAME[(PARAMETERS)] [on TARGET] { STEPS }",
                "flow browse on api {\n  get \"/products\"\n}",
            ),
            form(
                File,
                "flow NAME[(PARAMETERS)] [on TARGET] { STEPS }",
                "flow paging(api: Http, page: Count = 1) {\n  get \"/products?page={page}\"\n}",
            ),
            form(File, "flow NAME = FLOW(ARGUMENTS)", "flow reading = visit(sut.api, pause: 1s)"),
        ],
    ),
    word(
        "shape",
        &[File],
        "Stages with parameters, put into loads by `include`.",
        &[form(
            File,
            "shape NAME[(PARAMETERS)] { STAGES }",
            "shape climb(top: Level) {\n  ramp top * 0 -> top over 10s as climbing\n}",
        )],
    ),
    word(
        "expectation",
        &[File],
        "Conditions with parameters, put into `expect` and `steady_state` by `include`.",
        &[form(
            File,
            "expectation NAME[(PARAMETERS)] { CONDITIONS }",
            "expectation quick(requests: Samples, bound: Duration = 200ms) {\n  p95(requests) < bound\n  error_rate(requests) < 1%\n}",
        )],
    ),
    word(
        "scenario",
        &[File],
        "One experiment, run, judged and reported as a unit. With parameters that lack defaults it is a template.",
        &[
            form(
                File,
                "scenario NAME[(PARAMETERS)] { DECLARATIONS }",
                "scenario steady {\n  load customers of visiting {\n    hold 10/s for 10s\n  }\n  expect error_rate(customers) < 1%\n}",
            ),
            form(File, "scenario NAME = SCENARIO(ARGUMENTS)", "scenario capacity = bench.ceiling(visiting)"),
        ],
    ),
    word(
        "suite",
        &[File],
        "Scenarios in areas with weights, run one after the other and scored.",
        &[form(
            File,
            "suite NAME { AREAS }",
            "suite release {\n  area traffic 100%: light, heavy\n  ready when score >= 85%\n}",
        )],
    ),
    word(
        "ledger",
        &[Scenario],
        "What the system acknowledged and must not lose. Requests `record` a key in it; after the load, `verify` looks up each key.",
        &[form(
            Scenario,
            "ledger NAME [on TARGET] {\n  OPTIONS\n  verify KEY { STEPS }\n}",
            "ledger orders on api {\n  verify key {\n    get \"/orders?key={key}\" as found\n    count found.json(\"$[*]\")\n  }\n}",
        )],
    ),
    word(
        "load",
        &[Scenario],
        "How many iterations of a flow, or of a mix of flows, and when. A rate makes it open, users make it closed. Without \
         `at` it starts with the run.",
        &[form(
            Scenario,
            "load NAME of FLOW [at INSTANT] { STAGES and OPTIONS }\nload NAME of { SHARE FLOW [as NAME], … } [at INSTANT] { … }",
            "load visitors of look {\n  hold 100/s for 1m as plateau\n}",
        )],
    ),
    word(
        "fault",
        &[File, Scenario],
        "What breaks, when, and for how long. The fault is taken back at its end, even if the run is cut off. With parameters, at \
         the top of a file, it is a template of what breaks, instantiated by a call.",
        &[
            form(
                Scenario,
                "fault NAME = FAULT at INSTANT [for DURATION]\nfault NAME = FAULT during WINDOW [every DURATION for DURATION]",
                "fault cut = partition(db) at plateau + 10s for 5s",
            ),
            form(
                File,
                "fault NAME(PARAMETERS) = FAULT",
                "fault frozen(container: Text) = command('docker pause \"$name\"', undo: 'docker unpause \"$name\"', with: { name: container })",
            ),
        ],
    ),
    word(
        "event",
        &[Scenario],
        "Something that happens during the run and is not taken back, such as a deployment. It ends when its command ends.",
        &[form(
            Scenario,
            "event NAME = command(TEXT) at INSTANT for at most DURATION",
            "event deploy = command(\"./deploy.sh\") at plateau + 10s for at most 20s",
        )],
    ),
    word(
        "expect",
        &[Scenario, Flow, Request],
        "In a scenario: what must hold for the run to pass. In a request, or between requests: a check of one \
         answer; if it fails, the request fails.",
        &[
            form(
                Scenario,
                "expect CONDITION\nexpect { CONDITIONS }",
                "expect p95(main) < 200ms and error_rate(main) < 1%",
            ),
            form(Flow, "expect CONDITION\nexpect { CONDITIONS }", "expect home.json(\"$[0].id\") != null"),
            form(Request, "expect CONDITION\nexpect { CONDITIONS }", "expect status in [200, 201]"),
        ],
    ),
    word(
        "steady_state",
        &[Scenario],
        "What is normal: judged each second over the last `window:` (5s). Recovery is measured against it, and it must hold \
         before the first fault.",
        &[form(
            Scenario,
            "steady_state [NAME] { CONDITIONS and OPTIONS }",
            "steady_state {\n  error_rate(main) < 1%\n  p95(main) < 300ms\n}",
        )],
    ),
    word(
        "abort",
        &[Scenario],
        "Ends the run early, as failed, when a condition has held for the given time.",
        &[form(Scenario, "abort when CONDITION [for DURATION]", "abort when error_rate(main) > 50% for 10s")],
    ),
    word(
        "setup",
        &[Scenario],
        "Steps that run once before the load, unmeasured. Flows can use the names that they assign with `let`.",
        &[form(
            Scenario,
            "setup [on TARGET] { STEPS }",
            "setup on api {\n  post \"/login\" {\n    form: { user: \"u\", password: \"demo\" }\n  }\n}",
        )],
    ),
    word(
        "teardown",
        &[Scenario],
        "Steps that run once after the load, unmeasured, even if the run failed. Each is tried, even if one before it failed. A failed step makes the verdict `error`.",
        &[form(Scenario, "teardown [on TARGET] { STEPS }", "teardown on api {\n  get \"/health\"\n}")],
    ),
    word(
        "let",
        &[System, Scenario, Flow],
        "Names a value. In a flow it is computed when the step is reached, once for each iteration.",
        &[
            form(Flow, "let NAME = VALUE", "let id = home.json(\"$[0].id\")"),
            form(System, "let NAME = VALUE", "let own_port = port()"),
        ],
    ),
    word(
        "include",
        &[Load, Flow, Expect, Steady],
        "Inserts the contents of a template: a shape into a load, a flow into a flow, an expectation into conditions.",
        &[
            form(Load, "include SHAPE(ARGUMENTS) [as NAME]", "include shapes.plateau(100/s, hold: 1m)"),
            form(Flow, "include FLOW(ARGUMENTS) [as NAME]", "include visit(api, pause: 1s)"),
            form(Expect, "include EXPECTATION(ARGUMENTS)", "include slo.web(main, p95: 300ms)"),
        ],
    ),
];

//! Every word that opens a statement: where it may stand, what it does, how it is written. The reference, the
//! explanations and the editors' lists are made of this table. It is long because it is one table, which is read by its rows.

use super::Context::{self, Expect, File, Flow, Ledger, Load, Request, Scenario, Steady, Suite, System};

pub struct Word {
    pub text: &'static str,
    pub contexts: &'static [Context],
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// How it is written; one for each meaning.
    pub forms: &'static [Form],
}

/// A way to write a statement, and a line of it where it may stand.
pub struct Form {
    pub context: Context,
    pub form: &'static str,
    pub example: &'static str,
}

const fn word(text: &'static str, contexts: &'static [Context], doc: &'static str, forms: &'static [Form]) -> Word {
    Word { text, contexts, doc, forms }
}

const fn form(context: Context, form: &'static str, example: &'static str) -> Form {
    Form { context, form, example }
}

const PARTS: &[Context] = &[File, System, Scenario];

pub const STATEMENTS: &[Word] = &[
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
    word(
        "get",
        &[Flow],
        "An HTTP request with GET. The first request that fails ends the iteration.",
        &[form(Flow, REQUEST_GET, "get \"/products\" as list")],
    ),
    word(
        "post",
        &[Flow],
        "An HTTP request with POST. It is not repeated automatically if the connection was lost.",
        &[form(
            Flow,
            REQUEST_POST,
            "post \"/orders\" as order {\n  json: { product: 1, qty: 1 }\n  expect status == 201\n}",
        )],
    ),
    word(
        "put",
        &[Flow],
        "An HTTP request with PUT.",
        &[form(Flow, "put PATH [CLAUSES] [{ BODY }]", "put \"/orders/1\" {\n  json: { qty: 2 }\n}")],
    ),
    word(
        "patch",
        &[Flow],
        "An HTTP request with PATCH. It is not repeated automatically if the connection was lost.",
        &[form(Flow, "patch PATH [CLAUSES] [{ BODY }]", "patch \"/orders/1\" {\n  json: { qty: 2 }\n}")],
    ),
    word(
        "delete",
        &[Flow],
        "An HTTP request with DELETE.",
        &[form(Flow, "delete PATH [CLAUSES] [{ BODY }]", "delete \"/orders/1\"")],
    ),
    word(
        "head",
        &[Flow],
        "An HTTP request with HEAD, whose answer has no body.",
        &[form(Flow, "head PATH [CLAUSES] [{ BODY }]", "head \"/products\"")],
    ),
    word(
        "options",
        &[Flow],
        "An HTTP request with OPTIONS.",
        &[form(Flow, "options PATH [CLAUSES] [{ BODY }]", "options \"/products\"")],
    ),
    word(
        "request",
        &[Flow],
        "An HTTP request with a computed method.",
        &[form(Flow, "request METHOD PATH [CLAUSES] [{ BODY }]", "request \"PURGE\" \"/products\"")],
    ),
    word(
        "query",
        &[Flow],
        "Asks a database for rows. `?` or `$1`, depending on the database, stand for the values of `args:`.",
        &[form(
            Flow,
            "query TEXT [CLAUSES] [{ args: LIST }]",
            "query \"select id from orders where id = $1\" on sql as rows {\n  args: [1]\n}",
        )],
    ),
    word(
        "execute",
        &[Flow],
        "Runs a database statement that changes rows, and counts them.",
        &[form(
            Flow,
            "execute TEXT [CLAUSES] [{ args: LIST }]",
            "execute \"update orders set paid = true where id = $1\" on sql as paid {\n  args: [1]\n  expect affected == 1\n}",
        )],
    ),
    word(
        "connect",
        &[Flow],
        "Opens a connection to a WebSocket or TCP target. It stays open to the end of the block in which the step stands; a WebSocket has a path.",
        &[form(
            Flow,
            "connect [PATH] [as NAME] [CLAUSES] [{ headers: OBJECT, query: OBJECT }]",
            "connect \"/live\" on live as line within 2s",
        )],
    ),
    word(
        "events",
        &[Flow],
        "Opens a stream of server-sent events of an HTTP target, to be read by `receive`. It stays open to the end of the block in which the step stands.",
        &[form(
            Flow,
            "events PATH [as NAME] [CLAUSES] [{ headers: OBJECT, query: OBJECT }]",
            "events \"/news\" as news",
        )],
    ),
    word(
        "send",
        &[Flow],
        "Sends a message over the open connection: a text or a `file(…)` as it is, an object or a list as JSON.",
        &[form(
            Flow,
            "send VALUE [as NAME] [CLAUSES]",
            "connect \"/live\" on live\nsend { subscribe: \"prices\" } on live",
        )],
    ),
    word(
        "receive",
        &[Flow],
        "Waits for the next message or event that meets the condition, and skips those before it.",
        &[form(
            Flow,
            "receive [as NAME] [where CONDITION] [within DURATION] [CLAUSES]",
            "connect \"/live\" on live\nreceive on live as tick where json(\"$.kind\") == \"price\" within 2s",
        )],
    ),
    word(
        "call",
        &[Flow],
        "Calls a method of a gRPC target: service and method as a text, the message as `json:`.",
        &[form(Flow, "call TEXT [CLAUSES] [{ json: OBJECT }]", "call \"shop.Orders/Get\" on rpc")],
    ),
    word(
        "command",
        &[Flow],
        "A command of Redis, with its words as a list.",
        &[form(Flow, "command LIST [CLAUSES]", "command [\"GET\", \"stock\"] on cache")],
    ),
    word(
        "set",
        &[Flow],
        "Gives a name from `let` another value of the same type. A name from `once per user` belongs to the user and keeps the value in later iterations.",
        &[form(Flow, "set NAME = VALUE", "let cursor = \"\"\nset cursor = home.text")],
    ),
    word(
        "think",
        &[Flow],
        "Waits for a duration, a random time in a range (uniform), or `exponential(MEAN)`. The wait is in no request's latency.",
        &[form(Flow, "think DURATION\nthink DURATION..DURATION\nthink exponential(DURATION)", "think 1s..3s")],
    ),
    word(
        "if",
        &[Flow],
        "Runs some steps if a condition holds, and others if it does not.",
        &[form(
            Flow,
            "if CONDITION { STEPS } [else if CONDITION { STEPS }] [else { STEPS }]",
            "if home.status == 200 {\n  get \"/products/1\"\n}",
        )],
    ),
    word(
        "group",
        &[Flow],
        "Steps that are also measured as a whole, from the start of the first to the end of the last.",
        &[form(
            Flow,
            "group NAME { STEPS }",
            "group checkout {\n  get \"/products\"\n  think 1s\n  get \"/products/1\"\n}",
        )],
    ),
    word(
        "transaction",
        &[Flow],
        "Statements of SQL on one connection that are committed at the end, or rolled back if one of them fails. It is measured as a group.",
        &[form(
            Flow,
            "transaction NAME [retry COUNT] [backoff RANGE] [when KINDS] { STEPS }",
            "transaction move retry 3 backoff 5ms..50ms {\n  execute \"update orders set qty = qty - 1 where id = 1\" on sql\n  execute \"update orders set qty = qty + 1 where id = 2\" on sql\n}",
        )],
    ),
    word(
        "choose",
        &[Flow],
        "Runs one of several blocks, each as often as its share says. The shares sum to 100%. In each hundred iterations, every part comes exactly as often as \
         its share says, in an order that the seed gives; in a loop, each turn is drawn at random. A named part is a group.",
        &[form(
            Flow,
            "choose { SHARE [as NAME] { STEPS } … }",
            "choose {\n  90% as look {\n    get \"/products\"\n  }\n  10% {\n    get \"/cart\"\n  }\n}",
        )],
    ),
    word(
        "each",
        &[Flow],
        "Runs steps for each item of a list, one after the other or, with `together`, all at the same time. `at most` is required.",
        &[form(
            Flow,
            "each NAME in LIST at most COUNT [together] { STEPS }",
            "each item in home.json(\"$[*]\") at most 10 together {\n  let id = item.json(\"$.id\")\n  get \"/products/{id}\"\n}",
        )],
    ),
    word(
        "acquire",
        &[Flow],
        "Runs steps under a limiter or a semaphore.",
        &[form(Flow, "acquire LIMIT { STEPS }", "acquire quota {\n  get \"/products\"\n}")],
    ),
    word(
        "measure",
        &[Flow],
        "Records a value of your own as a sample, such as a size or a duration from an answer.",
        &[form(Flow, "measure NAME = VALUE", "measure stock = home.json(\"$[0].price\")")],
    ),
    word(
        "headers",
        &[Flow],
        "Headers for all later requests in its block and nested blocks, if they go to the flow's own target. They override the headers of the target, and a request overrides them; null leaves a header out.",
        &[form(
            Flow,
            "headers: OBJECT",
            "headers: { \"Accept\": \"text/html\", \"X-User\": \"{user.id}\" }\nget \"/products\"",
        )],
    ),
    word(
        "count",
        &[Flow],
        "In `verify`: how many times the entry exists. 0 means lost, 2 or more means duplicated.",
        &[form(Flow, "count LIST or NUMBER", "count home.json(\"$[*]\")")],
    ),
    word(
        "record",
        &[Request],
        "Opens an entry in a ledger under a key: before the request is sent, so that a request of unknown outcome has an entry too, or, with a key from the answer, when the answer arrives.",
        &[form(Request, "record KEY in LEDGER", "record \"order-{user.id}\" in orders")],
    ),
    word(
        "continue",
        &[Request],
        "The iteration goes on if this request fails. The request still counts as failed.",
        &[form(Request, "continue", "continue")],
    ),
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

const REQUEST_GET: &str = "get PATH [on TARGET] [as NAME] [retry TIMES [backoff DURATIONS] [when REASONS]] [{ BODY }]";
const REQUEST_POST: &str =
    "post PATH [on TARGET] [as NAME] [retry TIMES [backoff DURATIONS] [when REASONS]] [{ BODY }]";

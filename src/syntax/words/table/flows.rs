//! Words of what a user does: requests, and the steps around them.

use super::super::Context::{Flow, Request};
use super::{Word, form, word};

pub const WORDS: &[Word] = &[
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
];

const REQUEST_GET: &str = "get PATH [on TARGET] [as NAME] [retry TIMES [backoff DURATIONS] [when REASONS]] [{ BODY }]";
const REQUEST_POST: &str =
    "post PATH [on TARGET] [as NAME] [retry TIMES [backoff DURATIONS] [when REASONS]] [{ BODY }]";

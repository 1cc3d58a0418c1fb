//! The demo shop from outside: over sockets, as a scenario meets it.

use crate::support::wait_until;
use serde_json::Value;
use sqlx::Connection;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use stressc::demo::{Error, Options, serve};

/// A shop in a process of its own, which ends with the test.
struct Shop {
    address: SocketAddr,
    directory: tempfile::TempDir,
    process: Child,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// All options are handed over: one that is new does not compile until it is.
fn command(options: Options) -> Command {
    let Options {
        listen,
        database,
        pool,
        slots,
        rate_limit,
        slow,
        slow_orders,
        error_rate,
        leak,
        cache,
        loses,
        never_reconnects,
        forgets_keys,
        alerts,
        alert_above,
        payments,
        news,
        identity,
        parent,
    } = options;
    let milliseconds = |length: Duration| format!("{}ms", length.as_millis());
    let values = [
        ("--listen", Some(listen.to_string())),
        ("--database", Some(database)),
        ("--pool", Some(pool.to_string())),
        ("--slots", Some(slots.to_string())),
        ("--rate-limit", rate_limit.map(|rate| rate.to_string())),
        ("--slow", Some(milliseconds(slow))),
        ("--slow-orders", Some(milliseconds(slow_orders))),
        ("--error-rate", Some(error_rate.to_string())),
        ("--leak", Some(leak.to_string())),
        ("--cache", Some(cache.to_string())),
        ("--loses", Some(loses.to_string())),
        ("--alerts", alerts.map(|address| address.to_string())),
        ("--alert-above", Some(alert_above.to_string())),
        ("--payments", payments.map(|address| address.to_string())),
        ("--news", Some(milliseconds(news))),
        ("--identity", identity),
        ("--parent", parent.map(|parent| parent.to_string())),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_stressc"));
    command.arg("demo");
    for (name, value) in values {
        if let Some(value) = value {
            command.args([name, &value]);
        }
    }
    for (name, is_asked) in [("--never-reconnects", never_reconnects), ("--forgets-keys", forgets_keys)] {
        command.args(is_asked.then_some(name));
    }
    command
}

impl Shop {
    fn open(change: impl FnOnce(&mut Options)) -> Shop {
        let directory = tempfile::tempdir().expect("a directory");
        let mut options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database: directory.path().join("shop.db").display().to_string(),
            parent: Some(std::process::id()),
            ..Options::default()
        };
        change(&mut options);
        let mut process = command(options).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut said = String::new();
        let out = process.stdout.as_mut().expect("a pipe");
        BufReader::new(out).read_line(&mut said).expect("a word of the shop");
        let address = said.trim_end().rsplit('/').next().and_then(|address| address.parse().ok());
        Shop { address: address.unwrap_or_else(|| panic!("no open shop: {said}")), directory, process }
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("a request sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head[9..12].parse().expect("a status");
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    fn order(&self, key: &str, body: &str) -> Answer {
        let headers = format!("Content-Type: application/json\r\nIdempotency-Key: {key}\r\n");
        self.send("POST", "/orders", &headers, body)
    }

    fn login(&self, kind: &str, body: &str) -> Answer {
        self.send("POST", "/login", &format!("Content-Type: {kind}\r\n"), body)
    }

    fn metrics(&self) -> Vec<(String, f64)> {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4"));
        samples(&answer.body)
    }

    fn metric(&self, series: &str) -> f64 {
        value(&self.metrics(), series)
    }

    /// Holds SQLite's only write lock until the returned sender is dropped.
    fn lock_database(&self) -> mpsc::Sender<()> {
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(self.directory.path().join("shop.db"));
        let (release, released) = mpsc::channel::<()>();
        let (locked, is_locked) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("one");
            runtime.block_on(async {
                let mut connection = sqlx::SqliteConnection::connect_with(&file).await.expect("a connection");
                let lock = connection.begin_with("BEGIN IMMEDIATE").await.expect("the lock");
                locked.send(()).expect("a waiting test");
                let _ = released.recv();
                lock.rollback().await.expect("a release");
            });
        });
        is_locked.recv().expect("a locked database");
        release
    }
}

/// Every sample of a page, after a check that each has a head of its own.
fn samples(page: &str) -> Vec<(String, f64)> {
    let mut family = "";
    let mut samples = Vec::new();
    for line in page.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').expect("a name and a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help");
            family = name;
        } else if !line.starts_with('#') {
            let (series, number) = line.rsplit_once(' ').expect("a series and a value");
            assert!(series.starts_with(family), "{series} is not of {family}");
            samples.push((series.to_owned(), number.parse().expect("a number")));
        }
    }
    samples
}

fn value(samples: &[(String, f64)], series: &str) -> f64 {
    let found = samples.iter().find(|(name, _)| name == series);
    found.unwrap_or_else(|| panic!("no {series} in {samples:#?}")).1
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_catalogue_lists_products_and_shows_one() {
    let shop = Shop::open(|_| {});
    let list = shop.get("/products").json();
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 20);
    let lamp = serde_json::json!({ "id": 1, "name": "Lamp", "price": 19.9 });
    assert_eq!(list[0], lamp);
    assert_eq!(list[1]["name"], "Chair");
    assert_eq!(list[2]["price"], 129.0);
    assert_eq!(shop.get("/products/1").json(), lamp);
    assert_eq!(shop.get("/products/100").status, 200);
}

#[test]
fn pages_of_the_catalogue_lead_to_the_next_one() {
    let shop = Shop::open(|_| {});
    let (mut at, mut found) = (Some("/products?page=1".to_owned()), Vec::new());
    while let Some(path) = at {
        let page = shop.get(&path).json();
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()));
        at = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(found, (1..=100).collect::<Vec<i64>>());
    assert_eq!(shop.get("/products?page=7").json(), serde_json::json!({ "items": [], "next": null }));
}

#[test]
fn what_is_not_there_or_not_asked_well_is_said_in_json() {
    let shop = Shop::open(|_| {});
    for (method, path, status) in [
        ("GET", "/products/101", 404),
        ("GET", "/products/lamp", 400),
        ("GET", "/products/99999999999999999999", 400),
        ("GET", "/products?page=0", 400),
        ("GET", "/products?page=9223372036854775807", 400),
        ("GET", "/products?page=x", 400),
        ("GET", "/orders", 400),
        ("GET", "/orders/1", 404),
        ("GET", "/orders/x", 400),
        ("GET", "/nowhere", 404),
        ("DELETE", "/products", 405),
    ] {
        let answer = shop.send(method, path, "", "");
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.json()["error"].is_string(), "{method} {path}");
    }
    assert_eq!(shop.metric(r#"http_requests_total{route="unknown",method="GET",status="404"}"#), 1.0);
}

#[test]
fn a_catalogue_is_seeded_once() {
    let first = Shop::open(|_| {});
    assert_eq!(first.order("kept", r#"{"product":1,"qty":1}"#).status, 201);
    let file = first.directory.path().join("shop.db").display().to_string();
    let second = Shop::open(|options| options.database = file);
    assert_eq!(second.get("/products").json(), first.get("/products").json());
    assert_eq!(second.order("kept", r#"{"product":1,"qty":1}"#).status, 200);
}

#[test]
fn a_login_gives_a_token_that_orders_accept() {
    let shop = Shop::open(|_| {});
    let form = "application/x-www-form-urlencoded";
    let answer = shop.login(form, "user=ann&password=demo");
    assert_eq!(answer.status, 200);
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    let json = shop.login("application/json", r#"{"user":"ann","password":"demo"}"#);
    assert_eq!(json.json()["token"], token.as_str());
    assert_eq!(shop.login(form, "user=ann&password=guess").status, 401);
    assert_eq!(shop.login(form, "user=ann").status, 400);
    assert_eq!(shop.login("application/json", "{").status, 400);

    let order = |token: &str| {
        let headers = format!("Authorization: Bearer {token}\r\n");
        shop.send("POST", "/orders", &headers, r#"{"product":1,"qty":1}"#).status
    };
    assert_eq!(order(&token), 201);
    assert_eq!(order(&format!("{token}x")), 401);
    assert_eq!(order("ann"), 401);
}

#[test]
fn an_order_is_placed_once_for_each_key() {
    let shop = Shop::open(|_| {});
    let first = shop.order("one", r#"{"product":1,"qty":3}"#);
    assert_eq!(first.status, 201);
    assert_eq!(first.json()["total"], 59.7);
    let again = shop.order("one", r#"{"product":1,"qty":3}"#);
    assert_eq!(again.status, 200);
    assert_eq!(again.json(), first.json());
    assert_eq!(shop.order("two", r#"{"product":2,"qty":1}"#).status, 201);

    assert_eq!(shop.get("/orders?key=one").json(), serde_json::json!([first.json()]));
    assert_eq!(shop.get("/orders?key=none").json(), serde_json::json!([]));
    let path = format!("/orders/{}", first.json()["id"]);
    assert_eq!(shop.get(&path).json(), first.json());
    assert_eq!(shop.metric("orders_total"), 2.0);
}

#[test]
fn orders_that_cannot_be_are_refused() {
    let shop = Shop::open(|_| {});
    assert_eq!(shop.order("a", r#"{"product":101,"qty":1}"#).status, 422);
    for body in ["", "{", "[]", r#"{"product":1}"#, r#"{"product":1,"qty":0}"#, "\u{0}"] {
        assert_eq!(shop.order("a", body).status, 400, "{body:?}");
    }
    assert_eq!(shop.order("", r#"{"product":1,"qty":1}"#).status, 400);
    assert_eq!(shop.get("/orders?key=a").json(), serde_json::json!([]));
    let huge = r#"{"product":100,"qty":4294967295}"#;
    assert_eq!(shop.order("a", huge).status, 201);
}

#[test]
fn a_race_for_one_key_has_one_winner() {
    let shop = Shop::open(|_| {});
    let answers: Vec<Answer> = thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| shop.order("race", r#"{"product":1,"qty":1}"#))).collect();
        racers.into_iter().map(|racer| racer.join().expect("an answer")).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 7);
    assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
    assert_eq!(shop.metric("orders_total"), 1.0);
}

#[test]
fn without_keys_every_order_is_new() {
    let shop = Shop::open(|_| {});
    let order = || shop.send("POST", "/orders", "", r#"{"product":1,"qty":1}"#);
    let (first, second) = (order(), order());
    assert_eq!((first.status, second.status), (201, 201));
    assert_ne!(first.json()["key"], second.json()["key"]);
}

#[test]
fn a_full_checkout_refuses_orders_and_nothing_else() {
    let shop = Shop::open(|options| options.slots = 1);
    let lock = shop.lock_database();
    thread::scope(|scope| {
        let stuck = scope.spawn(|| shop.order("stuck", r#"{"product":1,"qty":1}"#));
        eventually("a taken slot", || shop.metric("checkout_slots_in_use") == 1.0);
        assert_eq!(shop.metric("checkout_slots_limit"), 1.0);
        let started = Instant::now();
        assert_eq!(shop.get("/products").status, 200);
        assert!(started.elapsed() < Duration::from_millis(500), "a read waited for a write");

        let refused = shop.order("refused", r#"{"product":1,"qty":1}"#);
        assert_eq!(refused.status, 503);
        assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
        assert!(started.elapsed() >= Duration::from_secs(1), "refused without patience");
        drop(lock);
        assert_eq!(stuck.join().expect("an answer").status, 201);
    });
    assert_eq!(shop.metric("checkout_slots_in_use"), 0.0);
    assert_eq!(shop.get("/orders?key=refused").json(), serde_json::json!([]));
}

#[test]
fn an_exhausted_pool_is_seen_and_ends_in_a_refusal() {
    let shop = Shop::open(|options| options.pool = 1);
    assert_eq!(shop.metric("db_pool_size"), 1.0);
    assert_eq!(shop.metric("db_pool_waiting"), 0.0);
    let lock = shop.lock_database();
    thread::scope(|scope| {
        let stuck = scope.spawn(|| shop.order("stuck", r#"{"product":1,"qty":1}"#));
        eventually("a taken slot", || shop.metric("checkout_slots_in_use") == 1.0);
        eventually("a waiting reader", || {
            let reader = scope.spawn(|| shop.get("/products").status);
            thread::sleep(Duration::from_millis(50));
            let metrics = shop.metrics();
            let seen = value(&metrics, "db_pool_waiting") >= 1.0;
            let full = value(&metrics, "db_pool_in_use") == 1.0;
            seen && full && reader.join().expect("an answer") == 503
        });
        assert_eq!(shop.get("/health").status, 503);
        assert_eq!(shop.metric("db_up"), 0.0);
        drop(lock);
        assert_eq!(stuck.join().expect("an answer").status, 201);
    });
    assert_eq!(shop.get("/health").status, 200);
    assert_eq!(shop.metric("db_up"), 1.0);
    eventually("an empty queue", || shop.metric("db_pool_waiting") == 0.0);
    eventually("a free connection", || shop.metric("db_pool_in_use") == 0.0);
}

#[test]
fn the_rate_limiter_counts_whom_it_turns_away() {
    let shop = Shop::open(|options| options.rate_limit = Some(2.0));
    let answers: Vec<Answer> = (0..8).map(|_| shop.get("/products")).collect();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((answers[0].status, answers[1].status), (200, 200));
    assert!((4..=6).contains(&refused), "{refused} refused");
    let last = answers.iter().rfind(|answer| answer.status == 429).expect("a refusal");
    assert!(last.head.contains("retry-after: 1"), "{}", last.head);
    assert!((0..8).all(|_| shop.get("/health").status == 200), "health is exempt");
    let metrics = shop.metrics();
    assert_eq!(value(&metrics, "rate_limiter_rejections_total"), refused as f64);
    let counted = r#"http_requests_total{route="/products",method="GET",status="429"}"#;
    assert_eq!(value(&metrics, counted), refused as f64);
    thread::sleep(Duration::from_millis(600));
    assert_eq!(shop.get("/products").status, 200, "the bucket fills again");
}

#[test]
fn metrics_count_the_requests_that_were_made() {
    let shop = Shop::open(|_| {});
    for _ in 0..7 {
        shop.get("/products");
    }
    for id in [1, 2, 3, 999, 998] {
        shop.get(&format!("/products/{id}"));
    }
    for key in ["a", "b", "a"] {
        shop.order(key, r#"{"product":1,"qty":1}"#);
    }
    let metrics = shop.metrics();
    for (route, method, status, count) in [
        ("/products", "GET", 200, 7.0),
        ("/products/{id}", "GET", 200, 3.0),
        ("/products/{id}", "GET", 404, 2.0),
        ("/orders", "POST", 201, 2.0),
        ("/orders", "POST", 200, 1.0),
    ] {
        let labels = format!(r#"route="{route}",method="{method}",status="{status}""#);
        assert_eq!(value(&metrics, &format!("http_requests_total{{{labels}}}")), count);
    }
    let duration = |part: &str| value(&metrics, &format!("http_request_duration_seconds_{part}"));
    assert_eq!(duration(r#"count{route="/products/{id}"}"#), 5.0);
    assert_eq!(duration(r#"bucket{route="/products/{id}",le="+Inf"}"#), 5.0);
    assert_eq!(duration(r#"bucket{route="/products/{id}",le="10"}"#), 5.0);
    assert!(duration(r#"sum{route="/products/{id}"}"#) > 0.0);
    assert_eq!(value(&metrics, "orders_total"), 2.0);
    assert_eq!(value(&metrics, "db_up"), 1.0);
    assert_eq!(value(&metrics, "db_pool_size"), 10.0);
    assert_eq!(value(&metrics, "rate_limiter_rejections_total"), 0.0);
    assert!(value(&metrics, "process_resident_memory_bytes") > 1e6);
    // The clock of a process goes by hundredths of a second, which a fast machine does not need for these few requests.
    wait_until("the shop has used a hundredth of a second", Duration::from_secs(30), || {
        shop.get("/products");
        value(&shop.metrics(), "process_cpu_seconds_total") > 0.0
    });
    assert!(value(&metrics, "process_start_time_seconds") > 1.7e9);
}

#[test]
fn a_client_that_leaves_is_counted_as_gone() {
    let shop = Shop::open(|options| options.slow = Duration::from_secs(5));
    let mut stream = TcpStream::connect(shop.address).expect("a connection");
    stream.write_all(b"GET /products/1 HTTP/1.1\r\nHost: shop\r\n\r\n").expect("a request sent");
    thread::sleep(Duration::from_millis(100));
    drop(stream);
    let gone = r#"http_requests_total{route="/products/{id}",method="GET",status="499"}"#;
    eventually("a count of 499", || shop.metrics().iter().any(|(series, count)| series == gone && *count == 1.0));
}

#[test]
fn faults_are_what_was_ordered() {
    const LEAK: usize = 8 << 20;
    let shop = Shop::open(|options| {
        options.error_rate = 0.25;
        options.slow = Duration::from_millis(80);
        options.leak = LEAK;
    });
    let failed = (0..40).filter(|_| shop.get("/products").status == 500).count();
    assert_eq!(failed, 10);
    let started = Instant::now();
    assert_eq!(shop.get("/products/1").status, 200);
    assert!(started.elapsed() >= Duration::from_millis(80));
    assert!((0..8).all(|_| shop.get("/health").status == 200));

    let memory = || shop.metric("process_resident_memory_bytes");
    let before = memory();
    assert_eq!(shop.order("leaky", r#"{"product":1,"qty":1}"#).status, 201);
    assert_eq!(shop.order("leakier", r#"{"product":1,"qty":1}"#).status, 201);
    // Other tests of this process give memory back meanwhile.
    assert!(memory() - before > LEAK as f64, "{before} before, {} after", memory());
}

#[test]
fn slow_orders_hold_their_slots_and_connections() {
    let shop = Shop::open(|options| {
        options.slow_orders = Duration::from_millis(300);
        options.pool = 2;
        options.slots = 8;
    });
    let started = Instant::now();
    thread::scope(|scope| {
        for buyer in 0..6 {
            let shop = &shop;
            let key = format!("slow-{buyer}");
            scope.spawn(move || assert_eq!(shop.order(&key, r#"{"product":1,"qty":1}"#).status, 201));
        }
        eventually("four who wait for a connection", || shop.metric("db_pool_waiting") >= 3.0);
        assert!(shop.metric("checkout_slots_in_use") >= 3.0);
        assert_eq!(shop.metric("db_pool_in_use"), 2.0);
    });
    // Three rounds of two.
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
}

#[test]
fn health_is_ok_when_the_database_answers() {
    let shop = Shop::open(|_| {});
    let answer = shop.get("/health");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), serde_json::json!({ "status": "ok" }));
}

#[test]
fn a_taken_port_and_unusable_options_say_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let usable = || Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        database: directory.path().join("shop.db").display().to_string(),
        ..Options::default()
    };
    let refusal = |options: Options| -> Error { serve(&options, |_| panic!("opened")).expect_err("a refusal") };
    assert_eq!(
        refusal(Options { listen: address, ..usable() }).to_string(),
        format!("{address} is already in use; choose another port with --listen, or 0 for a free one")
    );
    assert!(!directory.path().join("shop.db").exists(), "a refused shop touched its database");

    let nowhere = directory.path().join("missing").join("shop.db").display().to_string();
    let error = refusal(Options { database: nowhere, ..usable() }).to_string();
    assert!(error.contains("missing") && error.contains("--database"), "{error}");
    let no_database = directory.path().join("notes.txt");
    std::fs::write(&no_database, "no database".repeat(100)).expect("a file");
    let error = refusal(Options { database: no_database.display().to_string(), ..usable() }).to_string();
    assert!(error.contains("notes.txt"), "{error}");

    for (options, named) in [
        (Options { pool: 0, ..usable() }, "--pool"),
        (Options { slots: 0, ..usable() }, "--slots"),
        (Options { rate_limit: Some(0.0), ..usable() }, "--rate-limit"),
        (Options { rate_limit: Some(f64::NAN), ..usable() }, "--rate-limit"),
        (Options { error_rate: 1.5, ..usable() }, "--error-rate"),
        (Options { loses: -0.1, ..usable() }, "--loses"),
        (Options { alert_above: 2.0, ..usable() }, "--alert-above"),
        (Options { alerts: Some(SocketAddr::from(([10, 0, 0, 1], 80))), ..usable() }, "--alerts"),
        (Options { payments: Some(SocketAddr::from(([10, 0, 0, 1], 80))), ..usable() }, "--payments"),
    ] {
        let error = refusal(options).to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn a_shop_that_loses_orders_acknowledges_them_all_the_same() {
    let shop = Shop::open(|options| options.loses = 0.5);
    let placed: Vec<u16> = (0..4).map(|n| shop.order(&format!("k{n}"), r#"{"product":1,"qty":1}"#).status).collect();
    assert_eq!(placed, [201; 4]);
    let found = |n: usize| shop.get(&format!("/orders?key=k{n}")).json().as_array().map_or(0, Vec::len);
    assert_eq!((0..4).map(found).sum::<usize>(), 2, "every second one was never written");
    assert_eq!(shop.metric("orders_total"), 2.0);
}

#[test]
fn a_shop_that_forgets_keys_writes_an_order_again() {
    let shop = Shop::open(|options| options.forgets_keys = true);
    for _ in 0..2 {
        assert_eq!(shop.order("same", r#"{"product":1,"qty":1}"#).status, 201);
    }
    assert_eq!(shop.get("/orders?key=same").json().as_array().map(Vec::len), Some(2));
    assert_eq!(shop.order("none", r#"{"product":1000,"qty":1}"#).status, 422);
}

//! Faults of databases that the run has not started, by the URL of their target: clients with sessions of their own see them.

use crate::services::postgres_is_missing;
use crate::support::left_out::left_out;
use crate::support::{Place, Ran, Script, program, signal, succeeds, wait_until};
use sqlx::{Connection, Executor};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A MariaDB or MySQL in a directory of its own.
pub struct Server {
    child: Child,
    pub port: u16,
    _directory: tempfile::TempDir,
}

impl Server {
    pub fn start() -> Option<Server> {
        Server::with(&[])
    }

    pub fn process(&self) -> &Child {
        &self.child
    }

    /// With options that name files, and what is in these.
    pub fn with(options: &[(&str, &str)]) -> Option<Server> {
        let (Some(install), Some(server)) = (program(&["mariadb-install-db"]), program(&["mariadbd"])) else {
            left_out("MariaDB is not installed");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let user = rustix::process::geteuid().is_root().then_some("--user=root");
        succeeds(
            Command::new(install)
                .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
                .arg(format!("--datadir={}", data.display()))
                .args(user),
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(server)
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-log-bin", "--max-connections=60"])
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", directory.path().join("socket").display()))
            .arg(format!("--port={port}"))
            .args(options.iter().map(|(name, content)| {
                let file = directory.path().join(format!("{name}.pem"));
                std::fs::write(&file, content).unwrap();
                format!("--{name}={}", file.display())
            }))
            .args(user)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { child, port, _directory: directory };
        wait_until("MariaDB answers", Duration::from_secs(30), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Clients of a database, each with a session that it opens again when it breaks.
struct Clients {
    over: Arc<AtomicBool>,
    broken: Arc<AtomicU64>,
    /// The longest that one of them waited for its statement, in ms.
    longest: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Clients {
    fn start<C>(url: String, count: usize) -> Clients
    where
        C: Connection + Send + 'static,
        for<'c> &'c mut C: Executor<'c>,
    {
        let (over, broken, longest) =
            (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let shared = (over.clone(), broken.clone(), longest.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            for _ in 0..count {
                let ((over, broken, longest), url) = (shared.clone(), url.clone());
                local.spawn_local(async move {
                    while !over.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        let Ok(mut connection) = C::connect(&url).await else { continue };
                        loop {
                            let begun = Instant::now();
                            let done = (&mut connection).execute("SELECT * FROM orders WHERE id = 1").await.map(drop);
                            longest.fetch_max(begun.elapsed().as_millis() as u64, Ordering::Relaxed);
                            if over.load(Ordering::Relaxed) {
                                break;
                            }
                            if done.is_err() {
                                broken.fetch_add(1, Ordering::Relaxed);
                                break;
                            }
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                });
            }
            runtime.block_on(local);
        });
        Clients { over, broken, longest, thread: Some(thread) }
    }

    fn stop(mut self) -> (u64, u64) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        (self.broken.load(Ordering::Relaxed), self.longest.load(Ordering::Relaxed))
    }
}

fn run(place: &Place, kind: &str, url: &str) -> Ran {
    let server = Script::start(|_, _| (200, String::new()));
    place.run(&text(server.address, kind, url), &[])
}

fn text(server: std::net::SocketAddr, kind: &str, url: &str) -> String {
    format!(
        r#"scenario test {{
  target api = http("http://{server}")
  target db = {kind}("{url}")
  flow look on api {{
    get "/"
  }}
  load main of look {{
    hold 20/s for 6s as plateau
  }}
  fault taken = hold_connections(db, 90%) at plateau + 500ms for 1s
  fault locked = lock_table(db, "orders") at plateau + 2s for 1500ms
  fault cut = kill_connections(db) at plateau + 4500ms
  expect {{
    count(main) > 1
  }}
}}
"#
    )
}

/// All three had their effect, on four clients and nobody else.
fn all_showed(ran: &Ran, taken: &str) {
    ran.passed();
    let faults = ran.result["faults"].as_array().unwrap();
    let shown = |name: &str| {
        let fault = faults.iter().find(|fault| fault["name"] == name).unwrap();
        assert_eq!(fault["effective"], true, "{fault}\n{}", ran.out);
        fault["shown"].as_str().unwrap().to_owned()
    };
    assert!(shown("taken").contains(taken), "{}", ran.out);
    assert!(shown("locked").contains("sessions waited for it"), "{}", ran.out);
    assert_eq!(shown("cut"), "4 connections ended");
}

fn prepared<C>(url: &str, statements: &'static [&'static str])
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = C::connect(url).await.unwrap();
        for statement in statements {
            (&mut connection).execute(*statement).await.unwrap();
        }
        connection.close().await.unwrap();
    });
}

#[test]
fn a_mariadb_is_hurt_by_its_url() {
    let Some(server) = Server::start() else { return };
    let root = format!("mysql://root@127.0.0.1:{}/mysql", server.port);
    prepared::<sqlx::MySqlConnection>(
        &root,
        &[
            "CREATE DATABASE shop",
            "CREATE TABLE shop.orders (id INT PRIMARY KEY)",
            "INSERT INTO shop.orders VALUES (1)",
        ],
    );
    let url = format!("mysql://root@127.0.0.1:{}/shop", server.port);
    let clients = Clients::start::<sqlx::MySqlConnection>(url.clone(), 4);
    std::thread::sleep(Duration::from_millis(500));
    let place = Place::new();
    let ran = run(&place, "mysql", &url);
    let (broken, longest) = clients.stop();
    all_showed(&ran, "of 60 for clients in use");
    assert_eq!(broken, 4, "each was cut off once");
    assert!(longest > 1_000, "somebody waited for the lock: {longest} ms");
}

/// Without clients nobody waits for a lock or is cut off; and what is held is taken away by somebody else.
#[test]
fn what_changes_nothing_for_anybody_has_no_effect_and_what_is_killed_leaves_nothing() {
    let Some(server) = Server::start() else { return };
    let url = |database: &str| format!("mysql://root@127.0.0.1:{}/{database}", server.port);
    prepared::<sqlx::MySqlConnection>(
        &url("mysql"),
        &["CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY)"],
    );
    let open = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = sqlx::MySqlConnection::connect(&url("mysql")).await.unwrap();
            let query = "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.PROCESSLIST WHERE DB = 'shop'";
            let open: i64 = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            open
        })
    };
    let place = Place::new();
    let thread = {
        let url = url("mysql");
        std::thread::spawn(move || {
            // As an operator would, once it has taken them all.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = sqlx::MySqlConnection::connect(&url).await.unwrap();
                let many = "SELECT CAST(ID AS SIGNED) FROM information_schema.PROCESSLIST WHERE DB = 'shop'";
                for _ in 0..400 {
                    let held: Vec<i64> = sqlx::query_scalar(many).fetch_all(&mut connection).await.unwrap();
                    if held.len() >= 50 {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        // The last of them may have come meanwhile.
                        let held: Vec<i64> = sqlx::query_scalar(many).fetch_all(&mut connection).await.unwrap();
                        for id in held {
                            let kill = sqlx::AssertSqlSafe(format!("KILL {id}"));
                            let _ = sqlx::raw_sql(kill).execute(&mut connection).await;
                        }
                        return true;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                false
            })
        })
    };
    let ran = run(&place, "mysql", &url("shop"));
    assert!(thread.join().unwrap(), "they were taken: {}", ran.out);
    for fault in ran.result["faults"].as_array().unwrap() {
        assert!(fault["effective"] == false && fault["problem"].is_null(), "{fault}\n{}", ran.out);
    }
    assert_eq!(ran.code, 4, "{}", ran.out);

    let script = Script::start(|_, _| (200, String::new()));
    let text = text(script.address, "mysql", &url("shop"));
    let alone = text.lines().filter(|line| !line.contains("fault locked") && !line.contains("fault cut"));
    let alone: String = alone.flat_map(|line| [line, "\n"]).collect();
    place.write("test.stress", &alone.replace("for 1s", "for 5s"));
    let mut killed = place.spawn(&["run", "test.stress", "--no-progress"]);
    wait_until("they are held", Duration::from_secs(20), || open() >= 50);
    signal(&killed, "KILL");
    killed.wait().unwrap();
    wait_until("the server has them back", Duration::from_secs(10), || open() == 0);
}

#[test]
fn databases_that_are_not_there_or_of_another_kind_are_told() {
    let place = Place::new();
    let ran = run(&place, "mysql", "mysql://root@127.0.0.1:1/shop");
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("the database could not be reached"), "{}", ran.out);
    // What is no address is told before anything is started.
    let ran = run(&place, "mysql", "mysql://root@localhost:99999/shop");
    assert!(ran.code == 2 && ran.err.contains("invalid port number"), "{}{}", ran.out, ran.err);
}

/// As the user of the shop, who owns nothing but its database.
#[test]
fn a_postgres_is_hurt_by_its_url() {
    if postgres_is_missing() {
        return;
    }
    let text = r#"scenario test {
  service pg = postgres()
  service shop = demo(database: pg.url, pool: 4)
  target api = http(shop.url)
  target db = postgres(pg.url)
  flow buy on api {
    post "/orders" as order {
      json: { product: 1, qty: 1 }
    }
  }
  load main of buy {
    hold 20/s for 6s as plateau
  }
  fault taken = hold_connections(db, 60%) at plateau + 500ms for 1s
  fault locked = lock_table(db, "orders") at plateau + 2s for 1500ms
  fault cut = kill_connections(db) at plateau + 4500ms
  expect {
    count(main) > 1
  }
}
"#;
    all_showed(&Place::new().run(text, &[]), "of 97 for clients in use");
    // What other programs are told by the environment, and would follow.
    let place = Place::new();
    place.write("test.stress", text);
    let told = [
        ("PGHOST", "192.0.2.1"),
        ("PGPORT", "1"),
        ("PGUSER", "nobody"),
        ("PGPASSWORD", "wrong"),
        ("PGDATABASE", "none"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", "/nowhere"),
        ("http_proxy", "http://192.0.2.1:1"),
        ("ALL_PROXY", "socks5://192.0.2.1:1"),
    ];
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    let ran = place.ended(command.envs(told).output().unwrap());
    all_showed(&ran, "of 97 for clients in use");
    let note = "not heeded, since a run connects where its file says: PGHOST, PGPORT, PGUSER";
    assert!(ran.err.contains(note) && !ran.err.contains("http_proxy"), "{}", ran.err);
    let doctor = place.command(&["doctor"]).envs(told).output().unwrap();
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("http_proxy, ALL_PROXY, PGHOST"));
}

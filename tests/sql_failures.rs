//! Databases that are hurt from outside, locked by others, or that are none: each failure is of a kind that is named, and holds nobody.

use crate::databases::Server;
use crate::services::postgres_is_missing;
use crate::sql::{failed, failures, on_file, told, went_well, with_postgres};
use crate::support::{Place, Ran, signal};
use crate::tls::strange;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// A load on a target, through everything that a link can do to it. The last fault ends its sessions.
fn hurt_on_the_way(target: &str, killed: &str) -> String {
    format!(
        r#"{target} {{
    connections: pool(4)
    timeout: 500ms
  }}
  flow asks on db {{
    query "select 1 as n" as asked {{
      expect rows.first.n == 1
    }}
    think 20ms
  }}
  load main of asks {{
    hold 4 users for 11s as plateau
  }}
  fault slow = latency(db, 100ms) at plateau + 1s for 1s
  fault cut = partition(db) at plateau + 3s for 1500ms
  fault broken = reset(db) at plateau + 6s for 1s
  fault ended = kill_connections({killed}) at plateau + 8s
  expect {{
    p50(asked) > 100ms during slow
    error_rate(main) == 0% during slow
    error_rate(main) > 0% during cut
    count(main) > 10 during plateau
  }}"#
    )
}

/// All that was expected holds, and everything failed in ways that were to be seen.
fn was_hurt(ran: &Ran, known: &[&str]) {
    failed(ran, "asked", "timeout", "");
    let all = failures(ran, "asked");
    assert!(all.iter().any(|(kind, ..)| matches!(*kind, "reset" | "closed")), "{all:?}\n{}", ran.out);
    assert!(all.iter().all(|(kind, ..)| known.contains(kind)), "{all:?}");
    let expectations = ran.result["expectations"].as_array().unwrap();
    assert!(expectations.iter().all(|one| one["verdict"] == "passed"), "{}{}", ran.out, ran.err);
}

const KINDS: [&str; 5] = ["timeout", "connection", "reset", "closed", "connect"];

/// Whatever is on the way to it, and whoever ends its sessions.
#[test]
fn what_happens_on_the_way_to_a_postgresql_and_to_its_sessions_is_counted() {
    if postgres_is_missing() {
        return;
    }
    let ran = Place::new().run(&with_postgres(&hurt_on_the_way("  target db = postgres(pg)", "pg")), &[]);
    was_hurt(&ran, &KINDS);
    failed(&ran, "asked", "connection", "57P01");
}

#[test]
fn what_happens_on_the_way_to_a_mariadb_and_to_its_sessions_is_counted() {
    let Some(server) = Server::start() else { return };
    let target = format!("  target db = mysql(\"mysql://root@127.0.0.1:{}/mysql\")", server.port);
    let ran = Place::new().run(&format!("scenario test {{\n{}\n}}\n", hurt_on_the_way(&target, "db")), &[]);
    was_hurt(&ran, &KINDS);
}

#[test]
fn a_postgresql_that_is_killed_or_stopped_in_the_middle_fails_what_is_asked_then() {
    if postgres_is_missing() {
        return;
    }
    let text = with_postgres(
        r#"  target db = postgres(pg) {
    timeout: 500ms
  }
  flow asks on db {
    query "select pg_sleep(0.02)" as asked
  }
  load main of asks {
    hold 4 users for 9s as plateau
  }
  fault gone = kill(pg) at plateau + 1s for 1s
  fault silent = pause(pg) at plateau + 6s for 1500ms
  expect {
    error_rate(main) > 0% during gone
    error_rate(main) > 0% during silent
    count(main) > 10 after silent
  }"#,
    );
    let ran = Place::new().run(&text, &[]);
    failed(&ran, "asked", "timeout", "");
    let all = failures(&ran, "asked");
    assert!(all.iter().any(|(kind, ..)| matches!(*kind, "connection" | "reset" | "closed" | "connect")), "{all:?}");
    assert!(all.iter().all(|(kind, ..)| KINDS.contains(kind)), "{all:?}");
}

#[test]
fn each_failure_of_a_mariadb_is_of_a_kind_that_is_named() {
    let Some(server) = Server::start() else { return };
    let text = format!(
        r#"scenario test {{
  target db = mysql("mysql://root@127.0.0.1:{}/mysql") {{
    connections: pool(12)
    timeout: 8s
  }}
  target narrow = mysql("mysql://root@127.0.0.1:{0}/mysql") {{
    connections: pool(1)
    timeout: 400ms
  }}
  setup {{
    execute "create database shop" on db
    execute "create table shop.one (id int primary key, n int not null) engine = innodb" on db
    execute "insert into shop.one values (1, 0), (2, 0), (3, 0)" on db
    execute "set global innodb_lock_wait_timeout = 1" on db
    execute "set global max_statement_time = 2" on db
  }}
  flow there on db {{
    transaction move {{
      execute "update shop.one set n = n + 1 where id = 1" as take
      think 100ms
      execute "update shop.one set n = n + 1 where id = 2" as put
    }}
  }}
  flow back on db {{
    transaction move_back {{
      execute "update shop.one set n = n + 1 where id = 2" as take_back
      think 100ms
      execute "update shop.one set n = n + 1 where id = 1" as put_back
    }}
  }}
  flow holds on db {{
    transaction hold {{
      execute "update shop.one set n = n + 1 where id = 3" as held
      think 2500ms
    }}
  }}
  flow stops on db {{
    query "select sleep(6)" as stopped
  }}
  flow queues on narrow {{
    query "select sleep(0.3)" as queued
  }}
  load movers of {{ 50% there as there, 50% back as back }} {{
    hold 4 users for 5s
  }}
  load holders of holds {{
    hold 2 users for 5s
  }}
  load stoppers of stops {{
    hold 1 users for 3s
  }}
  load queuers of queues {{
    hold 4 users for 3s
  }}
  expect {{
    count(movers) > 1
  }}
}}
"#,
        server.port
    );
    let ran = Place::new().run(&text, &[]);
    let crossed = [failures(&ran, "put"), failures(&ran, "put_back")].concat();
    let is_told = |(kind, because, _): &(&str, &str, u64)| *kind == "deadlock" && because.contains("1213");
    assert!(crossed.iter().any(is_told), "{crossed:?}\n{}", ran.out);
    failed(&ran, "held", "lock", "1205");
    failed(&ran, "stopped", "timeout", "1969");
    failed(&ran, "queued", "timeout", "no connection of the pool became free");
}

/// It stops answering, and is gone later: sessions that are open wait for their timeout, then end.
#[test]
fn a_mariadb_that_stops_answering_and_goes_away_fails_what_is_asked_then() {
    let Some(server) = Server::start() else { return };
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target db = mysql(\"mysql://root@127.0.0.1:{}/mysql\") {{\n    timeout: 500ms\n  }}\n  flow asks on db {{\n    query \"select sleep(0.02)\" as asked\n  }}\n  load main of asks {{\n    hold 4 users for 7s\n  }}\n  expect {{\n    count(main) > 10\n  }}\n}}\n",
        server.port
    );
    place.write("test.stress", &text);
    let run = place.spawn(&["run", "test.stress", "--no-progress"]);
    std::thread::sleep(Duration::from_secs(3));
    signal(server.process(), "STOP");
    std::thread::sleep(Duration::from_millis(1500));
    signal(server.process(), "CONT");
    std::thread::sleep(Duration::from_millis(500));
    drop(server);
    let ran = place.ended(run.wait_with_output().unwrap());
    failed(&ran, "asked", "timeout", "");
    failed(&ran, "asked", "connect", "connection refused");
    let all = failures(&ran, "asked");
    assert!(all.iter().all(|(kind, ..)| KINDS.contains(kind)), "{all:?}");
}

/// Somebody else writes, and lets nobody in meanwhile.
#[test]
fn a_file_of_sqlite_that_another_process_has_locked_is_a_lock() {
    let place = Place::new();
    let file = place.path().join("shop.db");
    on_file(&file, &["create table one (n int)", "insert into one values (0)"]);
    let text = "scenario test {\n  target db = sqlite(\"shop.db\") {\n    timeout: 1s\n  }\n  flow write on db {\n    execute \"update one set n = n + 1\" as added\n  }\n  load main of write {\n    hold 2 users for 3s\n  }\n  expect {\n    count(main) > 1\n  }\n}\n";
    place.write("test.stress", text);
    let locked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            use sqlx::{ConnectOptions, Connection};
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
            let mut connection = options.connect().await.unwrap();
            sqlx::query("begin exclusive").execute(&mut connection).await.unwrap();
            tokio::time::sleep(Duration::from_secs(8)).await;
            sqlx::query("rollback").execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    std::thread::sleep(Duration::from_millis(500));
    let ran = place.call(&["run", "test.stress", "--no-progress"]);
    locked.join().unwrap();
    failed(&ran, "added", "lock", "locked");
}

/// What a server says that is none, cut short, or of another protocol.
#[test]
fn rubbish_instead_of_a_database_is_a_failure_and_ends_nothing() {
    /// The login is well, and after the next message it says this.
    fn greeted(mut stream: std::net::TcpStream, then: &[u8]) {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(then);
        let _ = stream.read(&mut [0; 4096]);
    }
    fn says(mut stream: std::net::TcpStream, what: &[u8]) {
        let _ = stream.write_all(what);
        let _ = stream.read(&mut [0; 4096]);
    }
    let all = [
        ("unknown", "postgres", strange(|stream| greeted(stream, b"\x07\0\0\0\x04")), "protocol"),
        ("short_columns", "postgres", strange(|stream| greeted(stream, b"T\0\0\0\x06\0\x09")), "protocol"),
        ("short_login", "postgres", strange(|stream| says(stream, b"R\0\0\0\x04")), "protocol"),
        ("never_ends", "postgres", strange(|stream| greeted(stream, b"D\x0f\xff\xff\xff\0\x01")), "timeout"),
        ("short_greeting", "mysql", strange(|stream| says(stream, b"\x05\0\0\0\x0aab\0\x01")), "protocol"),
        ("other_greeting", "mysql", strange(|stream| says(stream, b"\x09\0\0\0\xc8garbage!")), "protocol"),
        ("closes", "mysql", strange(drop), "connect"),
    ];
    let part = |(name, kind, address, _): &(&str, &str, std::net::SocketAddr, &str)| {
        format!(
            "  target {name} = {kind}(\"{kind}://somebody@{address}/shop\") {{\n    timeout: 1s\n  }}\n  flow ask_{name} on {name} {{\n    query \"select 1\" as {name}_rows\n  }}\n  load load_{name} of ask_{name} {{\n    hold 5/s for 1s\n  }}\n"
        )
    };
    let parts: String = all.iter().map(part).collect();
    let ran = Place::new()
        .run(&format!("scenario test {{\n{parts}  expect {{\n    count(load_closes) == 5\n  }}\n}}\n"), &[]);
    for (name, _, _, failure) in all {
        let own = failures(&ran, &format!("{name}_rows"));
        assert!(own.iter().all(|(kind, ..)| *kind == failure), "{name}: {own:?}");
        assert_eq!(own.iter().map(|(.., count)| count).sum::<u64>(), 5, "{name}: {own:?}\n{}{}", ran.out, ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

/// What is too much of it is given up early, the connection goes with it, and the next one is as good as ever.
#[test]
fn a_result_that_is_too_large_fails_in_bounded_memory() {
    let place = Place::new();
    on_file(&place.path().join("shop.db"), &["create table one (n int)"]);
    let endless = "with recursive many(n) as (select 1 union all select n + 1 from many) select n, hex(zeroblob(50000)) as x from many";
    let limited = "with recursive many(n) as (select 1 union all select n + 1 from many limit 2000) select n, hex(zeroblob(50000)) as x from many";
    let mut text = format!(
        "scenario test {{\n  target db = sqlite(\"shop.db\") {{\n    connections: pool(1)\n    timeout: 100s\n  }}\n  flow much on db {{\n    query \"{endless}\" as much {{\n      continue\n      expect rows.count == 1\n    }}\n    query \"{limited}\" as unread\n    query \"select 1 as n\" as fine {{\n      expect rows.first.n == 1\n    }}\n  }}\n  load main of much {{\n    hold 1 users for 8s\n  }}\n"
    );
    let server = Server::start();
    if let Some(server) = &server {
        let many = "with recursive many(n) as (select 1 union all select n + 1 from many where n < 900) select n, repeat('x', 200000) as x from many";
        text += &format!(
            "  target other = mysql(\"mysql://root@127.0.0.1:{}/mysql\") {{\n    connections: pool(1)\n    timeout: 100s\n  }}\n  flow more on other {{\n    query \"{many}\" as more {{\n      continue\n      expect rows.count == 1\n    }}\n    query \"select 1 as n\" as fine_again {{\n      expect rows.first.n == 1\n    }}\n  }}\n  load next of more {{\n    hold 1 users for 8s\n  }}\n",
            server.port
        );
    }
    if !postgres_is_missing() {
        text += "  service pg = postgres()\n  target third = postgres(pg) {\n    connections: pool(1)\n    timeout: 100s\n  }\n  flow most on third {\n    query \"select repeat('x', 200000) as x from generate_series(1, 2000)\" as most {\n      continue\n      expect rows.count == 1\n    }\n    query \"select 1 as n\" as fine_at_last {\n      expect rows.first.n == 1\n    }\n  }\n  load last of most {\n    hold 1 users for 8s\n  }\n";
    }
    text += "  expect {\n    count(main) > 0\n  }\n}\n";
    place.write("test.stress", &text);
    let began = Instant::now();
    let (ran, peak) = place.ended_with_peak(place.spawn(&["run", "test.stress", "--no-progress"]));
    failed(&ran, "much", "too_large", "its rows take more than 64 MiB");
    for step in ["unread", "fine", "fine_again", "fine_at_last"] {
        went_well(&ran, step);
    }
    if server.is_some() {
        told(&ran, "more", "too_large", "64 MiB");
    }
    assert!(peak < 700 << 20, "{peak} bytes after {:?}", began.elapsed());
}

/// MariaDB does not look for its client while it computes, and holds the locks of the transaction meanwhile.
#[test]
fn what_a_mariadb_is_at_when_a_run_is_broken_off_is_ended_there() {
    let Some(server) = Server::start() else { return };
    let place = Place::new();
    let text = format!(
        "scenario test {{\n  target db = mysql(\"mysql://root@127.0.0.1:{}/mysql\") {{\n    timeout: 5m\n  }}\n  flow computes on db {{\n    transaction long {{\n      query \"select benchmark(30000000000, sha2(1, 512))\" as computed\n    }}\n  }}\n  load main of computes {{\n    hold 2 users for 3m\n  }}\n  expect {{\n    count(main) > 1\n  }}\n}}\n",
        server.port
    );
    place.write("test.stress", &text);
    let url = format!("mysql://root@127.0.0.1:{}/mysql", server.port);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let computing = || -> i64 {
        runtime.block_on(async {
            use sqlx::{ConnectOptions, Connection};
            let options: sqlx::mysql::MySqlConnectOptions = url.parse().unwrap();
            let mut connection = options.connect().await.unwrap();
            let text = "select count(*) from information_schema.processlist where info like 'select benchmark%'";
            let count = sqlx::query_scalar(text).fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            count
        })
    };
    let mut run = place.spawn(&["run", "test.stress", "--no-progress"]);
    let wait = |until: &dyn Fn() -> bool| crate::support::wait_until("statements", Duration::from_secs(60), until);
    wait(&|| computing() == 2);
    signal(&run, "INT");
    std::thread::sleep(Duration::from_millis(1500));
    if run.try_wait().unwrap().is_none() {
        signal(&run, "INT");
    }
    let ran = place.ended(run.wait_with_output().unwrap());
    wait(&|| computing() == 0);
    assert_eq!(ran.code, 130, "{}{}", ran.out, ran.err);
}

//! Statements of SQL against a real PostgreSQL, a real MariaDB and files of SQLite: what comes back, and each way in which they fail.

use crate::databases::Server;
use crate::services::postgres_is_missing;
use crate::support::{Place, Ran};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection};
use std::path::Path;

/// The kinds of failure of a step, with how often each was.
pub fn failures<'r>(ran: &'r Ran, step: &str) -> Vec<(&'r str, &'r str, u64)> {
    let all = ran.result["failures"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let of_step = |one: &&Value| one["series"].as_str().is_some_and(|series| series.ends_with(step));
    let told = |one: &'r Value| {
        let because = one["because"].as_str().unwrap_or_default();
        (one["failure"].as_str().unwrap(), because, one["count"].as_u64().unwrap())
    };
    all.iter().filter(of_step).map(told).collect()
}

/// What an example of a failure of a step says.
pub fn told(ran: &Ran, step: &str, kind: &str, words: &str) {
    let all = ran.result["examples"]["failed"].as_array().unwrap();
    let is_it = |one: &&Value| {
        let says = |name: &str, what: &str| one[name].as_str().is_some_and(|text| text.contains(what));
        says("series", step) && one["failure"] == kind && says("because", words)
    };
    assert!(all.iter().any(|one| is_it(&one)), "{step}: {}{}", ran.out, ran.err);
}

/// The step failed in this way alone, or at least in this way, and that was told in these words.
pub fn failed(ran: &Ran, step: &str, kind: &str, words: &str) {
    let all = failures(ran, step);
    let found = all.iter().any(|(failure, because, _)| *failure == kind && because.contains(words));
    assert!(found, "{step}: {all:?}\n{}{}", ran.out, ran.err);
}

pub fn went_well(ran: &Ran, step: &str) {
    assert!(failures(ran, step).is_empty(), "{:?}\n{}{}", failures(ran, step), ran.out, ran.err);
}

pub fn with_postgres(more: &str) -> String {
    format!("scenario test {{\n  service pg = postgres()\n{more}\n}}\n")
}

#[test]
fn a_load_on_a_postgresql_reads_and_writes_values_of_every_type() {
    if postgres_is_missing() {
        return;
    }
    let place = Place::new();
    let text = with_postgres(
        r#"  target db = postgres(pg) {
    connections: pool(4)
  }
  setup {
    execute "create table products (id serial primary key, name text not null, price numeric(10, 2), stock int not null)" on db
    execute "insert into products (name, price, stock) select 'p' || n, n * 1.25, 10 from generate_series(1, 50) n" on db as made {
      expect affected == 50
    }
  }
  flow types on db {
    query "select 7::int2 as a, 9007199254740993::int8 as b, 1.5::float8 as c, 12.340::numeric as d, 'x'::text as e, true as f, '0af1c2d3-0000-4000-8000-0123456789ab'::uuid as g, jsonb_build_object('k', 1) as h, '2026-01-02 03:04:05+00'::timestamptz as i, null::int as k, array[1, 2] as l, '2026-01-02'::date as m" as all {
      expect {
        rows.count == 1
        rows.first.a == 7
        rows.first.b == 9007199254740993
        rows.first.c == 1.5
        rows.first.d == 12.34
        rows.first.e == "x"
        rows.first.f == true
        rows.first.g == "0af1c2d3-0000-4000-8000-0123456789ab"
        rows.first.h.k == 1
        rows.first.i == "2026-01-02T03:04:05Z"
        rows.first.k == null
        rows.first.l.count == 2
        rows.first.m == "2026-01-02"
      }
    }
  }
  flow given on db {
    query "select $1::int8 as a, $2::numeric as b, $3::text as c, $4::bool as d, $5::uuid as e, $6::timestamptz as f, $7::int as g, $8::jsonb as h" as given {
      args: [9007199254740993, 0.10, "it's", false, "0af1c2d3-0000-4000-8000-0123456789ab", "2026-01-02T03:04:05Z", null, { k: [1, 2] }]
      expect {
        rows.first.a == 9007199254740993
        rows.first.b == 0.1
        rows.first.c == "it's"
        rows.first.d == false
        rows.first.e == "0af1c2d3-0000-4000-8000-0123456789ab"
        rows.first.f == "2026-01-02T03:04:05Z"
        rows.first.g == null
        rows.first.h.k.count == 2
      }
    }
  }
  flow restock on db {
    query "select id, price from products where price > $1 order by id" as dear {
      args: [10]
      expect rows.count == 42
    }
    let first = dear.rows.first
    let ids = [dear.rows.at(1).id, dear.rows.last.id]
    execute "update products set stock = stock + 1 where id = $1" as add {
      args: [first.id]
      expect affected == 1
    }
    query "select name from products where id = any($1) order by id" as several {
      args: [ids]
      expect rows.count == 2
      expect rows.last.name == "p50"
    }
    execute "insert into products (name, price, stock) values ($1, 1, 1) returning id" as put {
      args: ["new {user.id}"]
      expect affected == 1 and rows.first.id > 50
    }
  }
  load kinds of { 50% types as types, 50% given as given } {
    hold 20/s for 2s
  }
  load clerks of restock {
    hold 4 users for 2s
  }
  expect {
    error_rate(kinds) == 0%
    error_rate(clerks) == 0%
    count(clerks) > 4
    p95(dear) < 5s
  }"#,
    );
    let ran = place.run(&text, &[]);
    ran.passed();
    assert!(ran.result["failures"].as_array().unwrap().is_empty(), "{}", ran.out);
}

#[test]
fn each_failure_of_a_postgresql_is_of_a_kind_that_is_named() {
    if postgres_is_missing() {
        return;
    }
    let place = Place::new();
    let text = with_postgres(
        r#"  target db = postgres(pg.url) {
    timeout: 8s
  }
  target narrow = postgres(pg) {
    connections: pool(1)
    timeout: 400ms
  }
  setup {
    execute "create table one (id int primary key, n int not null default 0)" on db
    execute "insert into one values (1), (2)" on db
    execute "alter role current_user set lock_timeout = '300ms'" on db
    execute "alter role current_user set statement_timeout = '3s'" on db
    execute "alter role current_user set default_transaction_isolation = 'repeatable read'" on db
  }
  flow wrong on db {
    execute "insert into one values (1)" as twice {
      continue
    }
    execute "insert into one values (3, null)" as missing {
      continue
    }
    query "selec 1" as written {
      continue
    }
    query "select 1 / $1::int" as divided {
      continue
      args: [0]
    }
    query "select $1::int4" as argued {
      continue
      args: ["many"]
    }
    query "select '::1'::inet as where_from" as unread {
      continue
      expect rows.count == 1
    }
    query "select 1 as n" as fine {
      expect rows.first.n == 1
    }
  }
  flow sleeps on db {
    query "select pg_sleep(7)" as late {
      continue
      timeout: 300ms
    }
    think 2s
    query "select count(*) as n from pg_stat_activity where state = 'active' and query like 'select pg_sleep(7)%'" as ended {
      expect rows.first.n == 0
    }
    query "select pg_sleep(7)" as stopped
  }
  flow waits on db {
    query "select pg_advisory_xact_lock(7), pg_sleep(0.9)" as locked
  }
  flow crosses on db {
    query "select set_config('lock_timeout', '8s', true), pg_advisory_xact_lock($1), pg_sleep(0.3), pg_advisory_xact_lock($2)" as crossed {
      args: [12, 11]
    }
  }
  flow crosses_back on db {
    query "select set_config('lock_timeout', '8s', true), pg_advisory_xact_lock(11), pg_sleep(0.3), pg_advisory_xact_lock(12)" as crossed_back
  }
  flow counts on db {
    execute "update one set n = n + 1 where id = 2 and pg_sleep(0.1) is not null" as counted retry 1 when [serialization]
  }
  flow queues on narrow {
    query "select pg_sleep(0.3)" as queued
  }
  load wrongs of wrong {
    hold 1 users for 3s
  }
  load sleepers of sleeps {
    hold 1 users for 3s
  }
  load waiters of waits {
    hold 3 users for 3s
  }
  load crossers of { 50% crosses as there, 50% crosses_back as back } {
    hold 4 users for 4s
  }
  load counters of counts {
    hold 4 users for 3s
  }
  load queuers of queues {
    hold 4 users for 3s
  }
  expect {
    error_rate(wrongs.fine) == 0%
    count(wrongs.fine) > 0
  }"#,
    );
    let ran = place.run(&text, &[]);
    failed(&ran, "twice", "unique", "23505: duplicate key");
    failed(&ran, "missing", "constraint", "23502");
    failed(&ran, "written", "syntax", "42601");
    failed(&ran, "divided", "sql", "22012");
    told(&ran, "argued", "data", "`$1` is integer");
    told(&ran, "unread", "data", "where_from::text");
    failed(&ran, "late", "timeout", "");
    went_well(&ran, "ended");
    failed(&ran, "stopped", "timeout", "57014");
    failed(&ran, "locked", "lock", "55P03");
    let crossed = [failures(&ran, "crossed"), failures(&ran, "crossed_back")].concat();
    assert!(crossed.iter().any(|(kind, ..)| *kind == "deadlock"), "{crossed:?}\n{}", ran.out);
    failed(&ran, "counted", "serialization", "40001");
    failed(&ran, "queued", "timeout", "no connection of the pool became free");
    went_well(&ran, "fine");
}

#[test]
fn a_load_on_a_mariadb_tells_its_values_and_its_failures() {
    let Some(server) = Server::start() else { return };
    let place = Place::new();
    let text = format!(
        r#"scenario test {{
  target db = mysql("mysql://root@127.0.0.1:{}/mysql") {{
    connections: pool(6)
    timeout: 4s
  }}
  setup {{
    execute "create database shop" on db
    execute "create table shop.one (id int primary key, n int not null, flag boolean, price decimal(10, 2), made datetime)" on db
    execute "insert into shop.one values (1, 1, true, 9.90, '2026-01-02 03:04:05'), (2, 2, false, null, null)" on db
  }}
  flow reads on db {{
    query "select id, n, flag, price, made, 9007199254740993 as large, cast('x' as char) as word, ? as given from shop.one where id = ?" as one {{
      args: ["it's", 1]
      expect {{
        rows.count == 1
        rows.first.n == 1
        rows.first.flag == true
        rows.first.price == 9.9
        rows.first.made == "2026-01-02T03:04:05"
        rows.first.large == 9007199254740993
        rows.first.word == "x"
        rows.first.given == "it's"
      }}
    }}
    execute "update shop.one set n = n + 1 where id = ?" as add {{
      args: [2]
      expect affected == 1
    }}
  }}
  flow wrong on db {{
    execute "insert into shop.one values (1, 1, true, 1, null)" as twice {{
      continue
    }}
    execute "insert into shop.one (id, n) values (3, null)" as missing {{
      continue
    }}
    query "selec 1" as written {{
      continue
    }}
    query "select * from shop.nowhere" as nowhere {{
      continue
    }}
    query "select ?" as argued {{
      continue
      args: [1, 2]
    }}
    query "select sleep(30)" as late {{
      continue
      timeout: 300ms
    }}
    think 1s
    query "select count(*) as n from information_schema.processlist where info = 'select sleep(30)'" as ended {{
      expect rows.first.n == 0
    }}
    query "select 1 as n" as fine {{
      expect rows.first.n == 1
    }}
  }}
  load readers of reads {{
    hold 2 users for 2s
  }}
  load wrongs of wrong {{
    hold 1 users for 3s
  }}
  expect {{
    error_rate(readers) == 0%
    count(wrongs.fine) > 0
  }}
}}
"#,
        server.port
    );
    let ran = place.run(&text, &[]);
    failed(&ran, "twice", "unique", "1062");
    failed(&ran, "missing", "constraint", "1048");
    failed(&ran, "written", "syntax", "1064");
    failed(&ran, "nowhere", "syntax", "1146");
    went_well(&ran, "ended");
    told(&ran, "argued", "data", "parameters");
    failed(&ran, "late", "timeout", "");
    went_well(&ran, "one");
    went_well(&ran, "add");
    went_well(&ran, "fine");
}

pub fn on_file(file: &Path, statements: &[&'static str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        for statement in statements {
            sqlx::query(*statement).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    });
}

#[test]
fn a_load_on_a_file_of_sqlite_tells_its_values_and_its_failures() {
    let place = Place::new();
    on_file(
        &place.path().join("shop.db"),
        &["create table one (id integer primary key, n int not null, word text, bytes blob, price real)"],
    );
    let text = r#"scenario test {
  target db = sqlite("shop.db") {
    connections: pool(3)
    timeout: 6s
  }
  target nowhere = sqlite("nowhere.db")
  setup {
    execute "insert into one values (1, 9007199254740993, 'x', x'00ff', 1.5), (2, 0, null, null, null)" on db
  }
  flow reads on db {
    query "select *, ? as given from one where id = ?" as one {
      args: [true, 1]
      expect {
        rows.first.n == 9007199254740993
        rows.first.word == "x"
        rows.first.bytes == "00ff"
        rows.first.price == 1.5
        rows.first.given == 1
      }
    }
    execute "update one set n = n + 1 where id = 2" as add {
      expect affected == 1
    }
  }
  flow wrong on db {
    execute "insert into one values (1, 1, null, null, null)" as twice {
      continue
    }
    execute "insert into one (id) values (3)" as missing {
      continue
    }
    query "selec 1" as written {
      continue
    }
    query "with recursive endless(n) as (select 1 union all select n + 1 from endless) select count(*) from endless" as late {
      continue
      timeout: 300ms
    }
    query "select 1 as n" as fine {
      expect rows.first.n == 1
    }
  }
  flow lost on nowhere {
    query "select 1" as lost
  }
  load readers of reads {
    hold 2 users for 2s
  }
  load wrongs of wrong {
    hold 1 users for 2s
  }
  load others of lost {
    hold 5/s for 1s
  }
  expect {
    error_rate(readers) == 0%
    count(wrongs.fine) > 0
  }
}
"#;
    let ran = place.run(text, &[]);
    failed(&ran, "twice", "unique", "1555");
    failed(&ran, "missing", "constraint", "1299");
    failed(&ran, "written", "syntax", "1");
    failed(&ran, "late", "timeout", "");
    failed(&ran, "lost", "connection", "unable to open");
    went_well(&ran, "one");
    went_well(&ran, "add");
    went_well(&ran, "fine");
    assert!(!place.path().join("nowhere.db").exists());
}

/// Two flows that move money between the same accounts in opposite order, with and without being tried again.
#[test]
fn a_transaction_is_done_as_a_whole_or_not_at_all_and_is_tried_again() {
    if postgres_is_missing() {
        return;
    }
    let place = Place::new();
    let text = with_postgres(
        r#"  target db = postgres(pg) {
    connections: pool(8)
    timeout: 8s
  }
  setup {
    execute "create table accounts (id int primary key, amount int not null check (amount >= 0), moves int not null default 0)" on db
    execute "insert into accounts (id, amount) values (1, 1000000), (2, 1000000), (3, 0)" on db
  }
  flow there on db {
    transaction move retry 20 backoff 5ms..100ms {
      execute "update accounts set amount = amount - 1, moves = moves + 1 where id = 1" as take {
        expect affected == 1
      }
      think 20ms
      execute "update accounts set amount = amount + 1, moves = moves + 1 where id = 2" as put {
        expect affected == 1
      }
    }
  }
  flow back on db {
    transaction move_back retry 20 backoff 5ms..100ms when [deadlock] {
      execute "update accounts set amount = amount - 1, moves = moves + 1 where id = 2"
      think 20ms
      execute "update accounts set amount = amount + 1, moves = moves + 1 where id = 1"
    }
  }
  flow fails on db {
    transaction spoilt {
      execute "update accounts set moves = moves + 1000 where id = 3" as changed
      execute "update accounts set amount = amount - 1 where id = 3" as refused
    }
  }
  flow doubted on db {
    transaction unexpected {
      execute "update accounts set moves = moves + 1000 where id = 3" as moved
      expect moved.affected == 2
    }
  }
  flow sums on db {
    query "select sum(amount)::int8 as amount, min(amount) as least from accounts" as sum {
      expect rows.first.amount == 2000000
    }
    query "select moves from accounts where id = 3" as untouched {
      expect rows.first.moves == 0
    }
  }
  load movers of { 50% there as there, 50% back as back } {
    hold 4 users for 5s
  }
  load spoilers of { 50% fails as fails, 50% doubted as doubted } {
    hold 10/s for 3s
  }
  load watchers of sums {
    hold 10/s for 5s
  }
  expect {
    count(movers) > 4
    error_rate(there.move) < 20%
    error_rate(watchers) == 0%
    error_rate(fails.spoilt) == 100%
    error_rate(doubted.unexpected) == 100%
  }"#,
    );
    let ran = place.run(&text, &[]);
    let expectations = ran.result["expectations"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    assert!(expectations.iter().all(|one| one["verdict"] == "passed"), "{}{}", ran.out, ran.err);
    failed(&ran, "refused", "constraint", "23514");
    let deadlocks = ran.result["failures"].as_array().unwrap();
    assert!(deadlocks.iter().any(|one| one["failure"] == "deadlock"), "{}", ran.out);
}

/// What was acknowledged is there after the server was killed; of what nobody answered nobody knows, and it is in no account.
#[test]
fn a_ledger_asks_a_database_for_its_entries() {
    if postgres_is_missing() {
        return;
    }
    let place = Place::new();
    let text = with_postgres(
        r#"  target db = postgres(pg) {
    connections: pool(4)
    timeout: 2s
  }
  setup {
    execute "create table orders (key text primary key)" on db
  }
  ledger orders on db {
    verify key {
      query "select 1 from orders where key = $1" as found {
        args: [key]
      }
      count found.rows
    }
  }
  flow buy on db {
    let key = uuid()
    execute "insert into orders values ($1)" as bought {
      args: [key]
      record key in orders
    }
  }
  flow fail on db {
    execute "insert into orders values ($1)" as broken {
      args: [null]
      record "never" in orders
    }
  }
  load main of buy {
    hold 50/s for 6s as plateau
  }
  load others of fail {
    hold 5/s for 1s
  }
  fault gone = kill(pg) at plateau + 2s for 1s
  expect {
    lost(orders) == 0
    resurrected(orders) == 0
    error_rate(main) > 0% during gone
  }"#,
    );
    let ran = place.run(&text, &[]);
    let expectations = ran.result["expectations"].as_array().unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
    let is_good =
        |one: &Value| one["verdict"] == "passed" || one["text"].as_str().is_some_and(|text| text.contains("pg"));
    assert!(expectations.iter().all(is_good), "{}{}", ran.out, ran.err);
}

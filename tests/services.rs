//! Services that a run starts: any program, a PostgreSQL cluster, and the demo shop on it. Over real processes.

pub use crate::support::postgres::postgres_is_missing;
use crate::support::{Place, told, wait_until};
use std::path::Path;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_stressc");

/// A scenario with these services, of which `app` answers like the demo shop.
fn scenario(services: &str, flow: &str, stages: &str, expect: &str) -> String {
    format!(
        "scenario test {{\n{services}\n  target api = http(app.url) {{\n    timeout: 2s\n  }}\n  flow visit on api {{\n{flow}\n  }}\n  load main of visit {{\n{stages}\n  }}\n  expect {{\n{expect}\n  }}\n}}\n"
    )
}

const LOOK: &str = "    get \"/products/1\" as product";
const NO_ERRORS: &str = "    error_rate(main) < 1%";

/// The events of the last run with this name.
fn events(place: &Place, name: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(place.runs().last().unwrap().join("events.jsonl")).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    all.filter(|event| event["event"] == name).map(|event| event["data"].clone()).collect()
}

/// Processes whose command line holds a text.
fn running(text: &str) -> usize {
    let lines = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = lines.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").contains(text)).count()
}

#[test]
fn a_process_gets_its_arguments_variables_files_and_port() {
    let place = Place::new();
    // Its log goes with the run, so it writes elsewhere.
    let seen = place.path().join("seen");
    let lines = format!(
        "exec > {} 2>&1\ncat conf/shop.conf; echo; echo \"mode $MODE\"; [ \"$PWD\" = \"$STRESSC_DIR\" ] && echo at home\n\
         sleep 4321.25 &\nexec {PROGRAM} demo --database shop.db \"$@\"",
        seen.display()
    );
    place.script("run.sh", &lines);
    let services = r#"
  let own = port()
  let other = port()
  service app = process("./run.sh", "--listen", "127.0.0.1:{own}") {
    port: own
    ready: "/health"
    metrics: "/metrics"
    env: { MODE: "test" }
    files: { "conf/shop.conf": "listen {own} and {other}" }
  }"#;
    let expect = "    error_rate(main) < 1%\n    max(app.metric(\"db_pool_size\")) == 10\n    max(app.memory) > 1MiB\n    max(app.open_files) > 3";
    let ran = place.run(&scenario(services, LOOK, "    hold 50/s for 2s", expect), &[]);
    ran.passed();
    let seen = std::fs::read_to_string(seen).unwrap();
    let address = events(&place, "service_ready")[0]["address"].as_str().unwrap().to_owned();
    let port = address.rsplit_once(':').unwrap().1;
    assert!(seen.starts_with(&format!("listen {port} and ")), "{seen}");
    assert!(!seen.contains(&format!("and {port}\n")), "two ports are two: {seen}");
    assert!(seen.contains("\nmode test\nat home\n"), "{seen}");
    assert_eq!(running("sleep 4321.25"), 0, "what it started ends with it");
    assert!(!place.runs()[0].join("services").exists());
}

/// The loader of each program that has the variable says that it finds no such library.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn what_a_file_gives_a_program_steers_no_other() {
    let place = Place::new();
    let service = r#"
  service app = process("sh", "-c", "echo begun $LD_PRELOAD $STRESSC_RUN; env | grep -c OF_PROGRAM; exit 3") {
    env: { "LD_PRELOAD": "/none.so", "STRESSC_RUN": "theirs" }
    port: port()
  }"#;
    let ran = place.run(&scenario(service, LOOK, "    hold 50/s for 1s", "    error_rate(main) < 1%"), &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let (before, behind) = ran.err.split_once("begun /none.so ").unwrap();
    assert_eq!(before.matches("/none.so").count(), 1, "of `sh` alone, and not of what becomes it: {}", ran.err);
    assert!(!behind.starts_with("theirs") && behind.contains("\n0\n"), "{}", ran.err);
}

#[test]
fn one_that_ends_before_it_is_ready_is_quoted() {
    let place = Place::new();
    place.script("app", "echo 'no licence found' >&2; exit 3");
    let services = "  service app = process(\"./app\") {\n    port: port()\n  }";
    let ran = place.run(&scenario(services, LOOK, "    hold 5/s for 1s", NO_ERRORS), &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("the service `app` is not ready: it ended before it was ready: exit status: 3"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("its last output was:\nno licence found"), "{}", ran.err);
}

#[test]
fn one_that_never_listens_is_given_its_time() {
    let place = Place::new();
    place.script("app", "echo waiting for something; exec sleep 4322.25");
    let services = "  service app = process(\"./app\") {\n    port: port()\n    ready_within: 300ms\n  }";
    let ran = place.run(&scenario(services, LOOK, "    hold 5/s for 1s", NO_ERRORS), &[]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("did not become ready within 300ms; the last try gave: connection refused"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("waiting for something"), "{}", ran.err);
    assert_eq!(running("sleep 4322.25"), 0);
}

#[test]
fn a_program_that_is_not_there_is_told_with_where_it_was_looked_for() {
    let place = Place::new();
    let run = |program: &str| {
        let services = format!("  service app = process(\"{program}\") {{\n    port: 7001\n  }}");
        let ran = place.run(&scenario(&services, LOOK, "    hold 5/s for 1s", NO_ERRORS), &[]);
        assert_eq!(ran.code, 3, "{}", ran.err);
        ran.err
    };
    let err = run("no-such-program");
    assert!(err.contains("the program `no-such-program` is not installed: it is in none of /"), "{err}");
    assert!(err.contains("write its path"), "{err}");
    let err = run("./bin/shop");
    assert!(err.contains("there is no program `/") && err.contains("bin/shop`"), "{err}");
    std::fs::create_dir(place.path().join("bin")).unwrap();
    place.write("bin/shop", "#!/bin/sh\n");
    let err = run("./bin/shop");
    assert!(err.contains("may not be executed; `chmod +x`"), "{err}");
}

#[test]
fn one_that_ends_during_the_load_ends_the_run() {
    let place = Place::new();
    place.script(
        "app",
        &format!("{PROGRAM} demo --database shop.db --listen \"$1\" & sleep 2; echo out of luck; exit 9"),
    );
    let services = "  let own = port()\n  service app = process(\"./app\", \"127.0.0.1:{own}\") {\n    port: own\n    ready: \"/health\"\n  }";
    let ran = place.run(&scenario(services, LOOK, "    hold 20/s for 30s", NO_ERRORS), &[]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.out.contains("the service `app` ended during the load (exit status: 9)"), "{}", ran.out);
    assert!(ran.out.contains("the last output of `app`:") && ran.out.contains("out of luck"), "{}", ran.out);
    // One is one too many, whatever the rest of the run would have brought; of a rate that is not known.
    let verdict = |text: &str| {
        let all = ran.result["expectations"].as_array().unwrap();
        all.iter().find(|one| one["text"] == text).map(|one| one["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(verdict("crashes(app) == 0").as_deref(), Some("failed"), "{}", ran.out);
    assert_eq!(verdict(NO_ERRORS.trim()).as_deref(), Some("inconclusive"), "{}", ran.out);
    let died = events(&place, "service_died");
    assert!(died.len() == 1 && died[0]["output"].as_str().unwrap().ends_with("out of luck"), "{died:?}");
    let address = events(&place, "service_ready")[0]["address"].as_str().unwrap().to_owned();
    assert_eq!(running(&format!("--listen {address}")), 0, "what it started ends with it");
}

#[test]
fn one_that_is_to_be_restarted_comes_back_and_the_run_goes_on() {
    let place = Place::new();
    place.script(
        "app",
        &format!(
            "[ -e second ] && exec {PROGRAM} demo --database shop.db --listen \"$1\"\ntouch second\n\
             {PROGRAM} demo --database shop.db --listen \"$1\" & sleep 2; exit 9"
        ),
    );
    let services = "  let own = port()\n  service app = process(\"./app\", \"127.0.0.1:{own}\") {\n    port: own\n    ready: \"/health\"\n    restart: true\n  }";
    let expect = "    error_rate(main) < 90%\n    error_rate(main) == 0% during well\n    last(app.memory) > 1MiB\n    crashes(app) == 1";
    let ran = place.run(&scenario(services, LOOK, "    hold 20/s for 5s\n    hold 20/s for 2s as well", expect), &[]);
    ran.passed();
    let (fell, back) = (events(&place, "service_fell"), events(&place, "service_back"));
    assert!(fell.len() == 1 && fell[0]["status"] == "exit status: 9" && back.len() == 1, "{fell:?} {back:?}");
    assert!(fell[0]["at"].as_u64() < back[0]["at"].as_u64());
    assert!(
        ran.out.contains("the service `app` ended at ") && ran.out.contains("and was started again"),
        "{}",
        ran.out
    );
    assert_eq!(ran.result["restarts"][0]["service"], "app");
}

/// A cache of its own, so that the template is made and then found.
fn run_with_cache(place: &Place, scenario: &str, cache: &Path) -> crate::support::Ran {
    place.write("test.stress", scenario);
    let mut command = place.command(&["run", "test.stress", "--no-progress"]);
    place.ended(command.env("XDG_CACHE_HOME", cache).output().unwrap())
}

const BUY: &str = "    let key = uuid()
    post \"/orders\" as order {
      headers: { \"Idempotency-Key\": key }
      json: { product: random(1..3), qty: 1 }
      expect status == 201
    }
    get \"/orders?key={key}\" as found
    expect found.json(\"$\").count == 1";

#[test]
fn the_demo_shop_takes_orders_on_a_cluster_of_its_own() {
    if postgres_is_missing() {
        return;
    }
    let place = Place::new();
    let services = "  service pg = postgres()\n  service app = demo(database: pg.url, pool: 4)";
    let expect = "    error_rate(main) < 1%\n    max(app.metric(\"orders_total\")) >= 50\n    max(app.metric(\"db_up\")) == 1\n    max(app.metric(\"db_pool_size\")) == 4\n    max(pg.memory) > 1MiB\n    max(pg.threads) >= 5";
    let text = scenario(services, BUY, "    hold 25/s for 3s", expect);
    let cache = place.path().join("cache");
    for _ in 0..2 {
        run_with_cache(&place, &text, &cache).passed();
        assert_eq!(std::fs::read_dir(cache.join("stressc")).unwrap().count(), 1, "one template and nothing half made");
    }
    let ready = events(&place, "service_ready");
    assert_eq!((&ready[0]["service"], &ready[1]["service"]), (&"pg".into(), &"app".into()), "in order");
    let stopped = events(&place, "service_stopped");
    assert_eq!((&stopped[0]["service"], &stopped[1]["service"]), (&"app".into(), &"pg".into()), "in reverse");
    let record = std::fs::read_to_string(place.runs()[0].join("events.jsonl")).unwrap();
    assert!(!record.contains("postgres://"), "a record holds no password");
    let port = ready[0]["address"].as_str().unwrap().rsplit_once(':').unwrap().1;
    assert_eq!(running(&format!("-p {port} -k ")), 0, "no cluster stays");
}

#[test]
fn the_shop_finds_its_database_again_unless_it_never_reconnects() {
    if postgres_is_missing() {
        return;
    }
    for (option, is_well) in [("", true), (", never_reconnects: true", false)] {
        let place = Place::new();
        let services = format!(
            "  service pg = postgres() {{\n    restart: true\n  }}\n  service app = demo(database: pg.url, pool: 2{option})"
        );
        let expect = "    error_rate(main) < 1% during well\n    crashes(pg) == 1";
        let stages = "    hold 10/s for 8s\n    hold 10/s for 3s as well";
        place.write("test.stress", &scenario(&services, LOOK, stages, expect));
        let run = place.spawn(&["run", "test.stress", "--no-progress"]);
        wait_until("the load runs", Duration::from_secs(30), || {
            place.runs().last().is_some_and(|run| {
                std::fs::read_to_string(run.join("events.jsonl")).is_ok_and(|text| text.contains("load_started"))
            })
        });
        std::thread::sleep(Duration::from_secs(1));
        kill_cluster_of(run.id());
        let ran = place.ended(run.wait_with_output().unwrap());
        assert_eq!(events(&place, "service_fell").len(), 1, "{}", ran.out);
        assert_eq!(ran.code == 0 || ran.code == 5, is_well, "{}{}", ran.out, ran.err);
    }
}

/// Kills the first process of the cluster that a run has started.
fn kill_cluster_of(run: u32) {
    let children = std::fs::read_to_string(format!("/proc/{run}/task/{run}/children")).unwrap();
    for pid in children.split_whitespace() {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if line.contains("unix_socket_permissions") {
            assert!(told(pid.parse().unwrap(), "KILL"));
            return;
        }
    }
    panic!("no cluster among {children}");
}

/// What a service has said is there after a run that went well too, without its secrets, and the report says where.
#[test]
fn what_a_service_wrote_is_kept_of_a_good_run() {
    let place = Place::new();
    place.script("app", &format!("echo started with $WORD; exec {PROGRAM} demo --listen \"$1\""));
    let services = "  let own = port()\n  service app = process(\"./app\", \"127.0.0.1:{own}\") {\n    port: own\n    ready: \"/health\"\n    env: { WORD: secret(\"WORD\") }\n  }";
    place.write("test.stress", &scenario(services, LOOK, "    hold 20/s for 1s", NO_ERRORS));
    let run = place.command(&["run", "test.stress", "--no-progress"]).env("WORD", "sesame-street").output().unwrap();
    let ran = place.ended(run);
    ran.passed();
    let output = ran.result["outputs"][0]["output"].as_str().unwrap_or_default();
    assert!(
        ran.result["outputs"][0]["service"] == "app" && output.starts_with("started with "),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(!ran.result.to_string().contains("sesame"), "{}", ran.result);
    assert!(ran.out.contains("kept, in `outputs` of run.json"), "{}", ran.out);
}

/// `process("sh", "serve.sh")` reads its argument where it runs, which the message names.
#[test]
fn a_service_that_does_not_find_its_file_says_where_it_ran() {
    let place = Place::new();
    place.write("serve.sh", "echo here; exit 4\n");
    let text = |options: &str| {
        format!(
            "scenario test {{\n  let p = port()\n  service app = process(\"sh\", \"serve.sh\") {{\n    port: p\n{options}\n  }}\n  target api = http(app.url)\n  flow look on api {{\n    get \"/\" as page\n  }}\n  load main of look {{\n    hold 2/s for 500ms\n  }}\n  expect count(page) <= 1\n}}\n"
        )
    };
    let ran = place.run(&text(""), &[]);
    let why = "and `serve.sh` lies next to the scenario, where `dir: \".\"` starts it";
    assert!(ran.err.contains("; it ran in its private directory `/") && ran.err.contains(why), "{}", ran.err);
    // What is written for it lies where it runs.
    let ran = place.run(&text("    files: { \"serve.sh\": \"exit 5\" }"), &[]);
    assert!(ran.err.contains("exit status: 5; it ran in its private directory `/"), "{}", ran.err);
    assert!(!ran.err.contains("lies beside"), "{}", ran.err);
    let ran = place.run(&text("    dir: \".\""), &[]);
    let place = place.path().canonicalize().unwrap();
    assert!(ran.err.contains("it ended before it was ready: exit status: 4; it ran in `"), "{}", ran.err);
    assert!(ran.err.contains(&format!("{}`", place.file_name().unwrap().display())), "{}", ran.err);
    assert!(ran.err.contains("its last output was:\nhere"), "{}", ran.err);
}

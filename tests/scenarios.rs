//! The library and the scenarios of the repository: each says nothing when it is checked, in every profile, is in
//! canonical form, and is documented.

use crate::support::Place;
use crate::support::compile::{files, root};
use crate::support::machine::MACHINE;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use stressc::base::{FileId, Source};
use stressc::check::check;
use stressc::diag::render;
use stressc::inputs::{Asked, load_text};
use stressc::plan::{Share, plan};
use stressc::syntax::format;

/// All that is said about a file, and what its scenarios and suites are called, with the fingerprints of the plans.
#[derive(Default)]
struct Said {
    words: Vec<String>,
    fingerprints: BTreeMap<String, String>,
    suites: Vec<String>,
    /// How many constructs are not run yet.
    later: usize,
}

/// `None` where no file declares the profile.
fn said(path: &Path, profile: Option<&str>) -> Option<Said> {
    let asked = Asked { profile: profile.map(str::to_owned), ..Asked::default() };
    let loaded = match load_text(path, std::fs::read_to_string(path).unwrap(), &asked) {
        Ok(loaded) => loaded,
        Err(message) => {
            assert!(message.contains("declares the profile"), "{message}");
            return None;
        }
    };
    let (sources, mut diagnostics) = (loaded.sources, loaded.diagnostics);
    let (program, found) = check(&loaded.inputs, &sources);
    diagnostics.extend(found);
    let mut said = Said::default();
    if !diagnostics.has_errors() {
        for scenario in &program.scenarios {
            let (plan, more) = plan(scenario, &path.display().to_string(), Share::WHOLE, MACHINE);
            diagnostics.extend(more);
            said.later += scenario.later.len();
            said.fingerprints.insert(scenario.name.text.clone(), plan.fingerprint);
        }
        said.suites = program.suites.iter().map(|suite| suite.name.text.clone()).collect();
    }
    said.words = diagnostics.sorted().iter().map(|d| render::line(d, &sources)).collect();
    Some(said)
}

fn library() -> Vec<PathBuf> {
    files(&root().join("stdlib"), "stress")
}

fn scenarios() -> Vec<PathBuf> {
    files(&root().join("scenarios"), "stress")
}

fn formatted(text: &str) -> String {
    format(&Source::new(FileId(0), "test.stress", text))
}

#[test]
fn they_compile_without_a_word() {
    let mut words = Vec::new();
    for path in library().iter().chain(&scenarios()) {
        for profile in [None, Some("ci")] {
            words.extend(said(path, profile).unwrap_or_default().words);
        }
    }
    assert!(words.is_empty(), "{}", words.concat());
}

#[test]
fn they_are_formatted() {
    for path in library().iter().chain(&scenarios()) {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(formatted(&text) == text, "{}: `stressc fmt` would change it", path.display());
    }
}

/// Every line moved to the right and every empty line doubled, which formatting takes back.
#[test]
fn formatting_changes_no_plan() {
    let place = Place::new();
    // As in the repository, what one scenario names may lie beside its folder.
    std::fs::create_dir(place.path().join(".git")).unwrap();
    let from = root().join("scenarios");
    for path in files(&from, "") {
        let to = place.path().join(path.strip_prefix(&from).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "stress") {
            let moved: String = text.lines().flat_map(|line| ["   ", line, "\n"]).collect();
            text = formatted(&moved.replace("\n   \n", "\n\n\n"));
        }
        std::fs::write(&to, text).unwrap();
    }
    let mut seen = 0;
    for path in scenarios() {
        let copy = place.path().join(path.strip_prefix(&from).unwrap());
        for profile in [None, Some("ci")] {
            let (before, after) = (said(&path, profile), said(&copy, profile));
            let (before, after) = (before.unwrap_or_default().fingerprints, after.unwrap_or_default().fingerprints);
            assert_eq!(before, after, "{}", path.display());
            seen += before.len();
        }
    }
    assert!(seen > 50, "only {seen} plans were compared");
}

#[test]
fn every_declaration_of_the_library_is_documented() {
    let mut wrong = Vec::new();
    for path in library() {
        let text = std::fs::read_to_string(&path).unwrap();
        let shown = path.file_name().unwrap().to_string_lossy();
        if !text.starts_with("//! ") {
            wrong.push(format!("{shown} does not say what it is for"));
        }
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = declared(line) else { continue };
            let doc: Vec<&&str> = lines[..at].iter().rev().take_while(|line| line.starts_with("///")).collect();
            if !doc.iter().any(|line| line.starts_with("///     ")) {
                wrong.push(format!("{shown}: `{name}` has no documentation with an example"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the rows of `tests/bench/run` are measured with. They are closed loads that never think on purpose.
#[test]
fn the_scenarios_of_the_bench_check_and_run() {
    let files = files(&root().join("tests/bench"), "stress");
    assert!(files.len() >= 5, "{files:?}");
    for path in files {
        let said = said(&path, None).unwrap();
        let words: Vec<&String> = said.words.iter().filter(|words| !words.contains("W0803")).collect();
        assert!(words.is_empty(), "{words:?}");
        assert!(said.later == 0 && !said.fingerprints.is_empty(), "{}", path.display());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(formatted(&text) == text, "{}: `stressc fmt` would change it", path.display());
        let name = path.file_stem().unwrap().to_string_lossy();
        let bench = std::fs::read_to_string(root().join("tests/bench/run")).unwrap();
        let one = said.fingerprints.len() == 1;
        for scenario in said.fingerprints.keys() {
            let row = if one { format!("\"{name}\"") } else { format!("\"{name}:{scenario}\"") };
            assert!(bench.contains(&row), "no row of the bench runs {row}");
        }
    }
}

/// The name that a line at the margin declares.
fn declared(line: &str) -> Option<&str> {
    let word = line.split(' ').next()?;
    let declares =
        ["shape", "expectation", "fault", "scenario", "flow", "system", "data", "param", "suite"].contains(&word);
    declares.then(|| line[word.len()..].trim_start().split(['(', ' ', ':']).next())?
}

/// Every declaration of the library, put to use with as little as it needs.
const USES: &str = r#"
use std.bench
use std.chaos
use std.docker
use std.grafana
use std.kubernetes
use std.monitoring
use std.oauth
use std.readiness
use std.shapes
use std.slo
use std.web
use "SHOP" as shop

system sut = shop.storefront()
flow browse = shop.browse(sut.api, think_for: 0s)
flow buy = shop.checkout(sut.api)
system eyes = monitoring.prometheus_stack(scrape: sut.app.metrics_address, rules: "alert-rules.yml")

scenario survives = chaos.survives(partition(sut.db), journey: buy)
scenario degrades = chaos.degrades(latency(sut.db, 300ms), journey: buy)
scenario restarted = chaos.recovers(restart(sut.app), journey: buy)
scenario response = bench.response_time(browse)
scenario most = bench.saturation(browse)
scenario growing = bench.scalability(browse)
scenario highest = bench.ceiling(browse)
scenario costs = bench.footprint(browse, app: sut.app)
scenario paged = monitoring.pages("DatabaseDown", failure: partition(sut.db), journey: buy, eyes: eyes)
scenario blind = monitoring.comes_back(eyes)
scenario quiet = monitoring.stays_quiet(buy, eyes: eyes)
scenario delivered = monitoring.delivers_later("DatabaseDown", failure: partition(sut.db), journey: buy, eyes: eyes)
scenario counted = monitoring.counts(buy, eyes: eyes, query: 'sum(http_requests_total{route="/orders"})')
target pages = http("http://127.0.0.1:8080")
flow view = web.page(pages)
scenario usable = monitoring.stays_usable(buy, view: view, failure: partition(sut.db))
scenario gate = readiness.gate(buy, app: sut.app, failure: partition(sut.db))

scenario shaped {
  load up of browse {
    include shapes.plateau(50/s)
    include shapes.spike(50/s, 5x)
  }
  load stairs of browse {
    include shapes.staircase(top: 100/s, step: 20/s)
  }
  load teeth of browse {
    include shapes.sawtooth(low: 20/s, high: 40/s)
  }
  load long of browse {
    include shapes.soak(20/s)
  }
  load people of browse {
    pace: 1s
    include shapes.daily(night: 5 users, peak: 20 users)
  }
  fault cut = partition(sut.db) at plateau + 10s for 5s
  steady_state {
    include chaos.normal(up)
  }
  expect {
    include slo.web(up)
    include slo.api(up.product)
    include slo.background(people)
    include slo.all_started(up)
    include readiness.traffic(up, normal: calm, peak: burst)
    include readiness.resilience(up, cut)
    include readiness.resources(sut.app, calm)
    recovered(burst)
  }
}

scenario contained {
  load main of browse {
    hold 20/s for 5m as plateau
  }
  fault still = docker.pause("db") at plateau + 10s for 10s
  fault dead = docker.kill("db") at plateau + 30s for 10s
  fault down = docker.stop("db", grace: 2s) at plateau + 50s for 10s
  fault again = docker.restart("db") at plateau + 70s
  fault cut = docker.disconnect("db", "back") at plateau + 90s for 10s
  fault slow = docker.limit_cpu("db", to: 20%) at plateau + 110s for 10s
  fault tight = docker.limit_memory("db", to: 64MiB) at plateau + 130s for 10s
  fault gone = kubernetes.delete_pods("app=db") at plateau + 150s
  fault none = kubernetes.scale_to_zero("deployment/db") at plateau + 170s for 10s
  fault later = kubernetes.latency("app=db", 300ms, jitter: 50ms) at plateau + 190s for 10s
  fault lossy = kubernetes.loss("app=db", share: 20%) at plateau + 210s for 10s
  fault failed = kubernetes.pod_failure("app=db", namespace: "shop", context: "test") at plateau + 230s for 10s
  expect {
    error_rate(main) < 1%
  }
}

scenario signed_in {
  target login = http("http://127.0.0.1:3001")
  flow look on login {
    include oauth.client_credentials(login, id: "load", password: secret("CLIENT_SECRET")) as me
    get "/me" {
      headers: { "Authorization": "Bearer {me.token}" }
    }
    think 1s
  }
  load lookers of look {
    hold 5 users for 5m
  }
  expect {
    include slo.web(lookers)
  }
}

scenario watched {
  target graf = http("http://127.0.0.1:3000")
  target site = http("http://127.0.0.1:8080")
  load viewers of grafana.open_dashboard(graf, uid: "shop") {
    hold 5 users for 5m
  }
  load readers of web.page(site) {
    hold 5 users for 5m
  }
  expect {
    include slo.web(viewers.panel_data)
    p95(readers.opening) < 2s
    error_rate(readers) < 1%
  }
}
"#;

#[test]
fn everything_in_the_library_can_be_used() {
    let place = Place::new();
    let common = root().join("scenarios/common");
    std::fs::create_dir(place.path().join("common")).unwrap();
    for path in files(&common, "") {
        std::fs::copy(&path, place.path().join("common").join(path.strip_prefix(&common).unwrap())).unwrap();
    }
    let text = USES.replace("SHOP", "./common/storefront.stress");
    let path = place.write("uses.stress", &text);
    place.write("alert-rules.yml", &std::fs::read_to_string(root().join("scenarios/alert-rules.yml")).unwrap());
    let said = said(&path, None).unwrap();
    assert!(said.words.is_empty(), "{}", said.words.concat());
    assert_eq!(said.fingerprints.len(), 19);
    for path in library() {
        let module = path.file_stem().unwrap().to_string_lossy();
        for name in std::fs::read_to_string(&path).unwrap().lines().filter_map(declared) {
            if name.starts_with('_') {
                continue;
            }
            assert!(text.contains(&format!("{module}.{name}(")), "`{module}.{name}` is not put to use");
        }
    }
}

#[test]
fn the_guide_names_what_there_is() {
    let guide = std::fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut running: Vec<String> = Vec::new();
    for line in guide.lines().filter(|line| line.starts_with("| [")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (_, file) = cells[1].trim_end_matches(')').split_once("](").unwrap();
        let names = cells[2].split(' ').map(|name| name.trim_matches('`').to_owned());
        told.insert(file.to_owned(), names.collect());
        if cells[4] == "yes" {
            running.push(file.to_owned());
        }
    }
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut runs: Vec<String> = Vec::new();
    for path in scenarios() {
        let said = said(&path, None).unwrap();
        let all = said.later == 0 && !said.fingerprints.is_empty();
        let mut names: Vec<String> = said.fingerprints.into_keys().chain(said.suites).collect();
        names.sort();
        let file = path.strip_prefix(root().join("scenarios")).unwrap().display().to_string();
        if names.is_empty() {
            assert!(guide.contains(&format!("({file})")), "the guide does not speak of {file}");
        } else {
            runs.extend(all.then(|| file.clone()));
            found.insert(file, names);
        }
    }
    told.values_mut().for_each(|names| names.sort());
    assert_eq!(told, found);
    running.sort();
    assert_eq!(running, runs, "what runs, as the guide says and as it is");
}

/// Stages of every exact kind, from shapes of the library and of the template's own file, with what was set outside.
const EXACT: &str = r#"
use std.shapes

param rate: Rate = 40/s

profile ci {
  rate = 20/s
}

system shop_alone() {
  service shop = demo()
  target api = http(shop.url)
}

system sut = shop_alone()

flow look(api: Http, number: Count) {
  get "/products/{number}" as product
}

scenario exact(journey: Flow, top: Rate) {
  load main of journey {
    include shapes.plateau(rate, rise: 1s, hold: 1s)
    idle 500ms
    include shapes.staircase(top: top, step: rate, interval: 500ms)
    repeat 2 {
      hold rate for 500ms as again
    }
  }

  load later of journey at plateau {
    hold 10/s for 1s as second
  }

  expect {
    count(main) == 110
    count(main during plateau) == 20
    count(main during stairs) == 60
    count(main during again) == 20
    count(main during again.last) == 10
    count(later) == 10
    dropped(main) == 0
    error_rate(main) == 0%
  }
}

scenario all = exact(look(sut.api, number: 2), top: rate * 3)
"#;

#[test]
fn what_is_included_is_sent_as_planned() {
    let place = Place::new();
    // A rise of half of 20, a plateau of 20, stairs of 10, 20 and 30, and twice 10.
    place.write("exact.stress", EXACT);
    let ran = place.call(&["run", "exact.stress:all", "--profile", "ci", "--no-progress"]);
    ran.passed();
    assert_eq!(ran.result["loads"][0]["planned"], 110);
    assert_eq!(ran.result["loads"][0]["started"], 110);
    let ran = place.call(&["run", "exact.stress:all", "--set", "rate=20/s", "--no-progress"]);
    assert_eq!(ran.code, 0, "what is set and what a profile sets is the same: {}{}", ran.out, ran.err);
}

const WORKER: &str = r#"
system shop() {
  service app = demo()
  service worker = demo()
  target api = http(app.url)
}

system sut = shop()

scenario one {
  flow look on sut.api {
    get "/products" as list
  }

  load main of look {
    hold 10/s for 2s
  }

  expect error_rate(main) < 1%
}
"#;

#[test]
fn a_system_is_started_as_a_whole() {
    let place = Place::new();
    place.write("worker.stress", WORKER);
    let ran = place.call(&["plan", "worker.stress", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let plan: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<&str> = plan["services"].as_array().unwrap().iter().filter_map(|s| s["name"].as_str()).collect();
    assert_eq!(names, ["sut.app", "sut.worker"]);
}

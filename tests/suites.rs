//! Suites and directories that run: in order, to the end, scored, and taken up again where they ended early.

use crate::support::{Place, Ran, Server, rest, signal, wait_until};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A scenario that gets `/` of a server.
fn scenario(server: &Server, name: &str, stages: &str, expect: &str) -> String {
    let text = server.scenario(&format!("    {stages}"), &format!("    {expect}"));
    text.replace("scenario test", &format!("scenario {name}"))
}

/// Where its load goes.
fn to(server: &Server) -> String {
    format!("http(\"http://{}\")", server.address)
}

/// What a run of a suite has left as its result.
fn result(place: &Place) -> Value {
    let text = std::fs::read(suite(place).join("run.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The newest record of a suite.
fn suite(place: &Place) -> PathBuf {
    place.runs().into_iter().rfind(|run| run.join("suite.json").exists()).unwrap()
}

/// Of each scenario what came out, and its run.
fn members(result: &Value) -> Vec<(String, String, Option<String>)> {
    let areas = result["areas"].as_array().unwrap();
    let all = areas.iter().flat_map(|area| area["scenarios"].as_array().unwrap());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    all.map(|own| (text(&own["path"]).unwrap(), text(&own["verdict"]).unwrap(), text(&own["run"]))).collect()
}

fn outcomes(result: &Value) -> Vec<(String, String)> {
    members(result).into_iter().map(|(path, verdict, _)| (path, verdict)).collect()
}

fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(path, verdict)| ((*path).to_owned(), (*verdict).to_owned())).collect()
}

#[test]
fn a_suite_runs_all_in_order_and_is_told_as_one() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let short = "hold 20/s for 500ms";
    place.write("other.stress", &scenario(&server, "fails", short, "count(main) == 3\n    count(main) == 4"));
    let mut text = "use \"./other.stress\" as other\n\n".to_owned();
    for (name, expect) in [("holds", "count(main) == 10"), ("open", "p999(main) < 5s\n    error_rate(main) < 50%")] {
        text.push_str(&scenario(&server, name, short, expect));
    }
    // A service that is not there cannot be started, and a variable without a value is no address.
    let broken = scenario(&server, "broken", short, "error_rate(main) < 50%");
    let broken = broken.replace(&to(&server), "http(none.url)");
    text.push_str(&broken.replace(
        "scenario broken {\n",
        "scenario broken {\n  service none = process(\"./none\") {\n    port: port()\n    ready_within: 1s\n  }\n",
    ));
    let elsewhere = scenario(&server, "elsewhere", short, "error_rate(main) < 50%");
    text.push_str(&elsewhere.replace(&to(&server), "http(env(\"SUITES_NOWHERE\"))"));
    text.push_str(
        "/// All there is.\nsuite release {\n  area good 60%: holds, broken, open\n  area bad 40%: other.fails, elsewhere\n\n  \
         ready when score >= 85% and passed(holds)\n}\n",
    );
    place.write("main.stress", &text);
    let planned = place.call(&["plan", "main.stress:release"]);
    assert_eq!(planned.code, 0, "{}", planned.err);
    for part in ["skipped  the variable `SUITES_NOWHERE` is not set", "1 scenario is skipped and counts as"] {
        assert!(planned.out.contains(part), "{part}: {}", planned.out);
    }
    let ran = place.call(&["run", "main.stress:release", "--seed", "7"]);
    let told = result(&place);
    assert_eq!(
        outcomes(&told),
        named(&[
            ("holds", "passed"),
            ("broken", "error"),
            ("open", "inconclusive"),
            ("other.fails", "failed"),
            ("elsewhere", "skipped"),
        ]),
        "{}{}",
        ran.out,
        ran.err
    );
    // What could not be run comes before what failed.
    assert_eq!((ran.code, told["exit_code"].as_u64()), (3, Some(3)), "{}", ran.out);
    assert_eq!((&told["score"]["least"], &told["score"]["most"]), (&0.2.into(), &0.4.into()));
    assert_eq!((&told["coverage"]["tested"], &told["coverage"]["all"]), (&3.into(), &5.into()));
    assert_eq!(told["gates"][0]["verdict"], "failed");
    assert_eq!(told["gates"][1]["verdict"], "held");
    assert!(ran.out.starts_with("✘ not run whole  release\n"), "{}", ran.out);
    for part in [
        "score      20–40%, 1 scenario undecided",
        "tested     3 of 5 scenarios",
        "✘ score >= 85%   failed: 20–40%",
        "`count(main) == 3`: 10",
        "the variable `SUITES_NOWHERE` is not set",
        "the service `none` is not ready",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    for part in ["1 of 5  holds, 500ms of load", "1 of 5  holds: passed in ", "5 of 5  elsewhere: skipped, "] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    // The runs are records of their own, with the suite as their parent and its seed.
    let suite = suite(&place);
    let id = suite.file_name().unwrap().to_str().unwrap().to_owned();
    for (path, outcome, run) in members(&told).into_iter().filter(|(_, outcome, _)| outcome != "skipped") {
        let Some(run) = run else {
            assert_eq!(outcome, "error", "{path}");
            continue;
        };
        let plan = std::fs::read(suite.with_file_name(&run).join("plan.json")).unwrap();
        let plan: Value = serde_json::from_slice(&plan).unwrap();
        assert_eq!(plan["parent"], id, "{path}");
        let own: Value = serde_json::from_str(&place.call(&["report", &run, "--json"]).out).unwrap();
        assert_eq!((&own["verdict"], &own["seed"]), (&outcome.into(), &7.into()), "{path}");
    }
    // The newest is the suite, and it is told the same again but for how old it is.
    let again = place.call(&["report", "last"]);
    assert_eq!(again.code, 3);
    assert!(again.out.starts_with("✘ not run whole  release\n"), "{}", again.out);
    let json: Value = serde_json::from_str(&place.call(&["report", &id, "--json"]).out).unwrap();
    assert_eq!(outcomes(&json), outcomes(&told));
    assert_eq!(json["score"], told["score"]);
    // What was measured is what counts: without its record nothing is shown.
    let holds = members(&told)[0].2.clone().unwrap();
    std::fs::remove_dir_all(suite.with_file_name(holds)).unwrap();
    let json: Value = serde_json::from_str(&place.call(&["report", &id, "--json"]).out).unwrap();
    assert_eq!(outcomes(&json)[0].1, "error");
    assert_eq!(json["score"]["least"], 0.0);
}

/// Three scenarios of which the second is long.
fn three(place: &Place, server: &Server) {
    let mut text = String::new();
    for (name, stages) in
        [("first", "hold 20/s for 500ms"), ("second", "hold 20/s for 2s"), ("third", "hold 20/s for 500ms")]
    {
        text.push_str(&scenario(server, name, stages, "error_rate(main) < 50%"));
    }
    text.push_str("suite all_three {\n  area all: first, second, third\n}\n");
    place.write("three.stress", &text);
}

/// Runs the suite until its second scenario sends.
fn in_the_second(place: &Place, server: &Server) -> std::process::Child {
    let child = place.spawn(&["run", "three.stress:all_three", "--no-progress"]);
    wait_until("the second sends", Duration::from_secs(20), || server.count() >= 15);
    child
}

fn resumed(place: &Place) -> Ran {
    place.call(&["run", "--resume", "--no-progress"])
}

#[test]
fn a_suite_that_was_killed_is_taken_up_behind_what_is_done() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    three(&place, &server);
    let mut child = in_the_second(&place, &server);
    let told = place.call(&["report"]);
    assert!(told.out.starts_with("… still running  all_three\n"), "{}{}", told.out, told.err);
    assert!(!told.out.contains("ended early"), "{}", told.out);
    signal(&child, "KILL");
    child.wait().unwrap();
    assert!(!suite(&place).join("run.json").exists());
    let told = place.call(&["report"]);
    assert_eq!(told.code, 130, "{}{}", told.out, told.err);
    assert!(told.out.starts_with("■ ended early  all_three\n"), "{}", told.out);
    assert!(told.out.contains("2 of 3 scenarios have no verdict because the suite ended early"), "{}", told.out);
    // What does something else now is another suite.
    let file = place.path().join("three.stress");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("hold 20/s for 2s", "hold 20/s for 3s")).unwrap();
    let refused = resumed(&place);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("`second` has changed since it started"), "{}", refused.err);
    std::fs::write(&file, &text).unwrap();
    let before = server.count();
    let ran = resumed(&place);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(server.count() - before, 50, "the first is not run again");
    assert!(ran.err.contains("1 of 3 scenarios are done and do not run again"), "{}", ran.err);
    assert!(ran.out.contains("resumed once"), "{}", ran.out);
    let told = result(&place);
    assert_eq!(outcomes(&told), named(&[("first", "passed"), ("second", "passed"), ("third", "passed")]));
    assert_eq!(told["resumed"].as_array().map(Vec::len), Some(1));
    let ages: Vec<f64> =
        told["areas"][0]["scenarios"].as_array().unwrap().iter().map(|own| own["age_s"].as_f64().unwrap()).collect();
    assert!(ages[0] > ages[1] && ages[1] > ages[2], "{ages:?}");
    // Of the run that was killed there is a record, and it is none of the evidence.
    assert_eq!(place.runs().len(), 5);
    let again = resumed(&place);
    assert_eq!(again.code, 3, "{}", again.err);
    assert!(again.err.contains("is complete"), "{}", again.err);
}

#[test]
fn a_suite_that_is_interrupted_ends_in_order_and_is_taken_up() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    three(&place, &server);
    let mut child = in_the_second(&place, &server);
    // Nobody else writes the record meanwhile.
    let refused = resumed(&place);
    assert!(refused.err.contains("another process is running this suite"), "{}", refused.err);
    signal(&child, "INT");
    let (out, err) = (rest(child.stdout.take()), rest(child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(130), "{out}{err}");
    let told = result(&place);
    assert_eq!(outcomes(&told), named(&[("first", "passed"), ("second", "interrupted"), ("third", "not_run")]));
    assert!(out.contains("`stressc run --resume` continues it"), "{out}");
    let id = suite(&place).file_name().unwrap().to_str().unwrap().to_owned();
    let ran = place.call(&["run", "--resume", &id, "--no-progress"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(result(&place)["score"]["least"], 1.0);
}

#[test]
fn what_needs_something_that_is_missing_is_skipped_and_can_run_later() {
    let (place, server) = (Place::new(), Server::start(Duration::ZERO));
    let own = |name: &str| scenario(&server, name, "hold 20/s for 500ms", "error_rate(main) < 50%");
    let elsewhere = own("elsewhere").replace(&to(&server), "http(env(\"SUITES_TARGET\"))");
    let program = "  service none = process(\"stressc-no-such-program\") {\n    port: port()\n  }\n";
    let missing = own("missing").replace(&to(&server), "http(none.url)");
    let missing = missing.replace("scenario missing {\n", &format!("scenario missing {{\n{program}"));
    place.write("main.stress", &format!("{elsewhere}{missing}suite both {{\n  area all: elsewhere, missing\n}}\n"));
    let ran = place.call(&["run", "main.stress:both"]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert_eq!(outcomes(&result(&place)), named(&[("elsewhere", "skipped"), ("missing", "skipped")]));
    assert_eq!((server.count(), place.runs().len()), (0, 1));
    for part in [
        "2 of 2 scenarios were not tested",
        "tested     0 of 2 scenarios",
        "the variable `SUITES_TARGET` is not set",
        "the program `stressc-no-such-program` is not installed",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(resumed(&place).err.contains("is complete"));
    let mut again = place.command(&["run", "--resume", "--no-progress"]);
    let ran = place.ended(again.env("SUITES_TARGET", format!("http://{}", server.address)).output().unwrap());
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    let told = result(&place);
    assert_eq!(outcomes(&told), named(&[("elsewhere", "passed"), ("missing", "skipped")]), "{}", ran.err);
    assert_eq!(told["score"]["most"], 0.5);
}

#[test]
fn what_cannot_be_taken_up_is_said() {
    let place = Place::new();
    for (call, code, part) in [
        (vec!["run", "--resume"], 3, "no suite is recorded here"),
        (vec!["run", "--resume", "2026"], 3, "no run is called `2026`"),
        (vec!["run", "--resume", "three.stress:all_three"], 2, "because the record names the file"),
        (vec!["run", "three.stress", "--resume"], 2, "cannot be used with"),
        (vec!["run"], 2, "required"),
    ] {
        let ran = place.call(&call);
        assert_eq!(ran.code, code, "{call:?}: {}", ran.err);
        assert!(ran.err.contains(part), "{call:?}: {}", ran.err);
    }
}

#[test]
fn a_directory_runs_the_scenarios_of_all_its_files() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    std::fs::create_dir_all(place.path().join("all/below")).unwrap();
    let own =
        |name: &str, level: &str| scenario(&server, name, &format!("hold {level} for 500ms"), "count(main) == 10");
    place.write(
        "all/a.stress",
        &format!("param level: Rate = 20/s\n\nprofile ci {{\n  level = 40/s\n}}\n\n{}", own("one", "level")),
    );
    // A template has no parameters yet, and a suite stands for scenarios that are run anyway.
    let template = own("at_level", "level").replace("scenario at_level", "scenario at_level(level: Rate)");
    let made = format!("{template}scenario made = at_level(level: 20/s)\n\nsuite again {{\n  area all: made\n}}\n");
    place.write("all/below/b.stress", &made);
    let ran = place.call(&["run", "all", "--no-progress"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let told = result(&place);
    assert_eq!(outcomes(&told), named(&[("a.stress:one", "passed"), ("below/b.stress:made", "passed")]));
    assert_eq!(
        (&told["suite"], &told["file"], &told["areas"][0]["weight"]),
        (&"all".into(), &"all".into(), &1.0.into())
    );
    assert_eq!(server.count(), 20);
    // A profile and a parameter are for the files that know them, and for one of them at least.
    let ran = place.call(&["run", "all", "--no-progress", "--profile", "ci"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert_eq!(outcomes(&result(&place)), named(&[("a.stress:one", "failed"), ("below/b.stress:made", "passed")]));
    assert_eq!(result(&place)["score"]["least"], 0.5);
    for (flags, part) in [
        (["--profile", "none"], "no file of `all` declares the profile `none`"),
        (["--set", "other=1s"], "no file of `all` has a parameter `other`"),
    ] {
        let ran = place.call(&["run", "all", flags[0], flags[1]]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains(part), "{}", ran.err);
    }
    let ran = place.call(&["run", "all", "--no-progress", "--profile", "ci", "--set", "level = 20/s"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(!Path::new(&place.path().join("all/.stress")).exists());
}

#[test]
fn all_is_asked_once_and_before_anything_is_sent() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let own = |name: &str| scenario(&server, name, "hold 20/s for 500ms", "error_rate(main) < 50%");
    let away = |name: &str| own(name).replace(&server.address.to_string(), &format!("{name}.example.com"));
    place.write("other.stress", &away("beyond"));
    let text = format!(
        "use \"./other.stress\" as other\n\n{}{}suite both {{\n  area all: here, away, other.beyond\n}}\n",
        own("here"),
        away("away")
    );
    place.write("main.stress", &text);
    let ran = place.call(&["run", "main.stress:both"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let problems: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(problems.len(), 1, "{}", ran.err);
    for part in [
        "the suite is not started",
        "`away.example.com:80` (the target `api`) and `beyond.example.com:80`",
        "write `allow \"away.example.com\"` into `main.stress` and write `allow \"beyond.example.com\"` into `other.stress`",
    ] {
        assert!(problems[0].contains(part), "{part}: {}", ran.err);
    }
    assert_eq!((server.count(), place.runs().len()), (0, 0));
    // A mistake in one of its files is told before as well.
    place.write("other.stress", &own("beyond").replace("hold", "hodl"));
    let ran = place.call(&["run", "main.stress:both"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert_eq!((server.count(), place.runs().len()), (0, 0));
}

/// What would be held or failed, whichever it is, is too near for a strict suite.
#[test]
fn a_strict_suite_takes_no_value_near_its_bound() {
    let place = Place::new();
    place.write(
        "main.stress",
        "scenario near {\n  service shop = demo(errors: 50%)\n  target api = http(shop.url)\n  flow look on api {\n    get \"/products\" {\n      expect status == 200\n    }\n  }\n  load main of look {\n    hold 50/s for 2s\n  }\n  expect {\n    error_rate(main) < 50%\n  }\n}\n\nsuite loose {\n  area all: near\n}\n\nsuite tight {\n  area all: near\n  strict\n}\n",
    );
    let ran = place.call(&["run", "main.stress:tight"]);
    assert_eq!(
        (ran.code, outcomes(&result(&place))),
        (4, named(&[("near", "inconclusive")])),
        "{}{}",
        ran.out,
        ran.err
    );
    let [loose, tight] =
        ["loose", "tight"].map(|suite| place.call(&["plan", &format!("main.stress:{suite}"), "--json"]));
    assert!(loose.code == 0 && tight.code == 0 && loose.out != tight.out.replace("tight", "loose"), "{}", tight.err);
}

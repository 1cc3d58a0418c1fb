//! What is set from outside: profiles, `--set`, variables, and modules between them.

use crate::support::Place;

const SHOP: &str = "\
param rise: Duration = 2s
profile ci { rise = 1s }
flow browse(api: Http, think_for: Duration = 5ms) {
  get \"/products\" as list
  think think_for
}
shape climb(level: Level) {
  ramp level * 0 -> level over rise
  hold level for rise as top
}
";

const MAIN: &str = "\
use \"./shop.stress\"
param level: Rate = 10/s
profile full { level = 100/s }
scenario one(times: Count = 1) {
  service server = demo()
  target api = http(server.url)
  load main of shop.browse(api) {
    include shop.climb(level)
    repeat times {
      hold level for 1s as again
    }
  }
  expect error_rate(main) < 1%
}
";

fn place() -> Place {
    let place = Place::new();
    place.write("shop.stress", SHOP);
    place.write("main.stress", MAIN);
    place
}

/// Iterations and length in seconds of a plan.
fn planned(place: &Place, flags: &[&str]) -> (u64, f64) {
    let mut call = vec!["plan", "main.stress", "--json"];
    call.extend(flags);
    let ran = place.call(&call);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let plan: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let plan: stressc::plan::Plan = serde_json::from_value(plan).unwrap();
    (plan.loads[0].shape.arrivals(), plan.length as f64 / 1e9)
}

#[test]
fn what_is_nearest_counts() {
    let place = place();
    assert_eq!(planned(&place, &[]), (40, 5.0));
    // Each profile where it is declared.
    assert_eq!(planned(&place, &["--profile", "full"]), (400, 5.0));
    assert_eq!(planned(&place, &["--profile", "ci"]), (25, 3.0));
    // What is typed counts before a profile.
    assert_eq!(planned(&place, &["--profile", "full", "--set", "level=20/s"]), (80, 5.0));
    assert_eq!(planned(&place, &["--set", "shop.rise=4s"]), (70, 9.0));
    assert_eq!(planned(&place, &["--set", "one.times=3", "--set", "level=10/s"]), (60, 7.0));
}

#[test]
fn what_cannot_be_set_is_said_with_what_can() {
    let place = place();
    let cases: [(&[&str], &str); 6] = [
        (&["--set", "levle=20/s"], "did you mean `level`?"),
        (&["--set", "rise=20s"], "no parameter is called `rise`"),
        (&["--set", "level=20"], "expected a Rate, found a Number"),
        (&["--set", "shop.rise=x"], "no part of this scenario is called `x`"),
        (&["--set", "level"], "write it like `rise=5s`"),
        (&["--profile", "tiny"], "choose from `full`, `ci`"),
    ];
    for (flags, expected) in cases {
        let mut call = vec!["plan", "main.stress"];
        call.extend(flags);
        let ran = place.call(&call);
        assert_eq!(ran.code, 2, "{flags:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{flags:?}: {}", ran.err);
    }
}

#[test]
fn variables_come_from_the_environment_before_the_file() {
    let place = Place::new();
    place.write(
        "test.stress",
        "param place: Text = env(\"TEST_PLACE\", default: \"http://127.0.0.1:1\")\nscenario s {\n  target api = http(place)\n  flow f on api {\n    get \"/\"\n  }\n  load main of f {\n    hold 5/s for 1s\n  }\n}\n",
    );
    place.write("test.env", "# a comment\nTEST_PLACE=\"http://127.0.0.1:2\"\n");
    place.write("wrong.env", "TEST_PLACE=http://127.0.0.1:2\nno equals sign\n");
    let port = |flags: &[&str], variable: Option<&str>| {
        let mut call = vec!["plan", "test.stress", "--json"];
        call.extend(flags);
        let mut command = place.command(&call);
        variable.iter().for_each(|value| {
            command.env("TEST_PLACE", value);
        });
        let ran = place.ended(command.output().unwrap());
        assert_eq!(ran.code, 0, "{}", ran.err);
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["targets"][0]["address"]["url"]["port"].as_u64()
    };
    assert_eq!(port(&[], None), Some(1));
    assert_eq!(port(&["--env-file", "test.env"], None), Some(2));
    assert_eq!(port(&["--env-file", "test.env"], Some("http://127.0.0.1:3")), Some(3));
    let ran = place.call(&["plan", "test.stress", "--env-file", "wrong.env"]);
    assert_eq!((ran.code, ran.err.lines().count()), (2, 1), "{}", ran.err);
    assert!(ran.err.contains("`wrong.env` line 2"), "{}", ran.err);
    let ran = place.call(&["plan", "test.stress", "--env-file", "missing.env"]);
    assert!(ran.code == 2 && ran.err.contains("there is no file `missing.env`"), "{}", ran.err);
}

#[test]
fn a_load_that_starts_later_sends_what_is_planned() {
    let place = Place::new();
    let ran = place.run(
        "scenario s {\n  service shop = demo()\n  target api = http(shop.url)\n  flow f on api {\n    get \"/products\" as list\n  }\n  load first of f {\n    hold 20/s for 1s as calm\n  }\n  load second of f at calm.end {\n    steps 20/s -> 40/s by 20/s every 500ms as climb\n    idle 200ms\n    repeat 2 {\n      hold 50/s for 200ms as wave\n    }\n  }\n  expect {\n    count(first) == 20\n    count(second) == 50\n    count(second) == 20 during wave\n    error_rate(f) < 1%\n  }\n}\n",
        &[],
    );
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
}

#[test]
fn a_mistake_in_the_arguments_of_a_scenario_is_told() {
    let place = place();
    place.write("main.stress", &format!("{MAIN}scenario two = one(times: 2s)\nscenario three = one(times: 3)\n"));
    let ran = place.call(&["plan", "main.stress:two"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("E0301") && !ran.err.contains("has no scenario"), "{}", ran.err);
}

#[test]
fn the_profile_is_recorded() {
    let place = place();
    let ran = place.call(&["run", "main.stress", "--profile", "ci", "--set", "level=20/s", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.result["profile"], "ci");
    let ran = place.call(&["plan", "main.stress", "--profile", "ci", "--share", "2/2", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&plan["profile"], &plan["share"]["index"]), (&"ci".into(), &1.into()));
}

#[test]
fn what_can_be_done_with_a_suite_is_said() {
    let place = place();
    place.write("suite.stress", &format!("{MAIN}suite release {{\n  area all: one\n}}\n"));
    for call in [vec!["try", "suite.stress:release"], vec!["baseline", "record", "suite.stress:release"]] {
        let ran = place.call(&call);
        assert_eq!(ran.code, 2, "{}", ran.err);
        for part in ["`release` is a suite", "`stressc run suite.stress:release`", "`suite.stress:one`"] {
            assert!(ran.err.contains(part), "{}", ran.err);
        }
    }
    for call in [["run", "--share", "1/2"], ["run", "--runs", "3"], ["plan", "--svg", "x.svg"]] {
        let ran = place.call(&[call[0], "suite.stress:release", call[1], call[2]]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains(&format!("`{}` works with a single scenario only", call[1])), "{}", ran.err);
    }
}

#[test]
fn slips_of_the_keyboard_are_told() {
    let place = place();
    std::fs::create_dir(place.path().join("empty")).unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["fmt", "empty"], "`empty` has no `.stress` file in it"),
        (&["check", "empty"], "`empty` has no `.stress` file in it"),
        (&["check", "main.stress:one"], "`check` takes whole files: write `stressc check main.stress`"),
        (&["watch", "nofile.stress"], "there is no file `nofile.stress`"),
        (&["watch", "empty"], "`empty` is a directory"),
        (&["run", "main.stres"], "did you mean `main.stress`?"),
        (&["plan", "mian.stress:one"], "did you mean `main.stress`?"),
    ];
    for (call, expected) in cases {
        let ran = place.call(call);
        assert_eq!(ran.code, 2, "{call:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{call:?}: {}", ran.err);
    }
}

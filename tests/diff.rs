//! What a file changes of what it was at a revision of a repository: told whole, and without running anything of the repository's.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::support::Place;
use crate::support::left_out::left_out;
use std::process::Command;

pub fn git(place: &Place, arguments: &[&str]) -> bool {
    let own = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "init.defaultBranch=main",
    ];
    let mut command = Command::new("git");
    command.args(own).args(arguments).current_dir(place.path()).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().is_ok_and(|output| output.status.success())
}

/// A repository with a first commit; none where there is no git.
fn repository() -> Option<Place> {
    let place = Place::new();
    if !git(&place, &["init"]) {
        left_out("git is not installed");
        return None;
    }
    std::fs::create_dir(place.path().join("common")).unwrap();
    place.write("common/limits.stress", "expectation kept(load: Load) {\n  p95(load) < 200ms\n}\n");
    place.write("rows.csv", "id\n1\n2\n");
    place.write("a.stress", BEFORE);
    assert!(git(&place, &["add", "."]) && git(&place, &["commit", "-m", "first"]));
    Some(place)
}

const BEFORE: &str = "use \"./common/limits.stress\" as limits

data rows = csv(\"rows.csv\")

scenario a {
  target api = http(\"http://127.0.0.1:8080\")
  link way = tcp(to: \"127.0.0.1:8080\")

  flow look on api {
    let row = rows.next()
    get \"/{row.id}\"
  }

  load main of look {
    hold 50/s for 1m as plateau
  }

  fault cut = partition(way) at plateau + 10s for 5s

  expect {
    include limits.kept(main)
    error_rate(main) < 1%
  }
}
";

fn changed(place: &Place) {
    let after = BEFORE
        .replace("hold 50/s for 1m", "hold 200/s for 2m")
        .replace(
            "fault cut = partition(way) at plateau + 10s for 5s",
            "fault slow = latency(way, 200ms) at plateau + 10s for 5s",
        )
        .replace("target api = http(\"http://127.0.0.1:8080\")", "target api = http(\"http://shop.example.com\")")
        .replace("use \"./common", "allow \"shop.example.com\" at most 100k requests\n\nuse \"./common")
        .replace("error_rate(main) < 1%", "error_rate(main) < 5%\n    p99(main) < 1s")
        .replace("  expect {", "  abort when error_rate(main) > 50% for 10s\n\n  expect {")
        .replace("  load main of look {", "  load main of look {\n    max_in_flight: 300");
    place.write("a.stress", &after);
    place.write("common/limits.stress", "expectation kept(load: Load) {\n  p95(load) < 300ms\n}\n");
}

#[test]
fn load_faults_hosts_and_bounds_are_told_as_they_were_and_are() {
    let Some(place) = repository() else { return };
    let same = place.call(&["plan", "--diff", "HEAD", "a.stress"]);
    assert!(same.code == 0 && same.out.contains("nothing changes"), "{}{}", same.out, same.err);
    changed(&place);
    let ran = place.call(&["plan", "--diff", "HEAD", "a.stress:a"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for part in [
        "a.stress · a   since HEAD (",
        "  ~ main\n      - plateau 0s–1m 50/s; 3,000 iterations\n      + plateau 0s–2m 200/s; 24,000 iterations; at most 300 in flight (as written)\n",
        "  ~ the whole run\n      - 1m\n      + 2m\n",
        "\nfaults\n  - cut\n      - 10s–15s  partition of way\n  + slow\n      + 10s–15s  latency of way: 200ms\n",
        "  ~ api\n      - this machine\n      + shop.example.com:80, allowed by the file\n",
        "  + allow shop.example.com\n      + at most 100,000 requests\n",
        "  ~ p95(main)\n      - p95(main) < 200ms\n      + p95(main) < 300ms\n",
        "  ~ error_rate(main)\n      - error_rate(main) < 1%\n      + error_rate(main) < 5%\n",
        "  + p99(main)\n      + p99(main) < 1s\n",
        "  + abort when error_rate(main)\n      + abort when error_rate(main) > 50% for 10s\n",
    ] {
        assert!(ran.out.contains(part), "{part}\n{}{}", ran.out, ran.err);
    }
    let ran = place.call(&["plan", "--diff", "HEAD", "--json", "a.stress"]);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["revision"], told["commit"].as_str().unwrap().len()), (&"HEAD".into(), 40));
    let changes = told["comparison"]["changes"].as_array().unwrap();
    let main = changes.iter().find(|change| change["name"] == "main").unwrap();
    assert_eq!(
        (&main["matter"], main["before"].as_str()),
        (&"load".into(), Some("plateau 0s–1m 50/s; 3,000 iterations"))
    );
    let warnings = ran.err.matches("W0801").count();
    assert_eq!(warnings, place.call(&["plan", "a.stress"]).err.matches("W0801").count(), "of what is: {}", ran.err);
    // What is asked for is the file that is there, from wherever.
    std::fs::create_dir(place.path().join("below")).unwrap();
    let ran = place.call(&["plan", "--diff", "HEAD", "below/../a.stress"]);
    assert!(ran.code == 0 && ran.out.contains("- p95(main) < 200ms"), "{}{}", ran.out, ran.err);
    // A step alone is none of these.
    place.write("a.stress", &BEFORE.replace("get \"/{row.id}\"", "get \"/other/{row.id}\""));
    assert!(git(&place, &["checkout", "common"]));
    let ran = place.call(&["plan", "--diff", "HEAD", "a.stress"]);
    assert!(ran.out.contains("a step, a row or a service is another"), "{}{}", ran.out, ran.err);
}

#[test]
fn what_is_not_there_is_said() {
    let Some(place) = repository() else { return };
    place.write("new.stress", BEFORE);
    let outside = Place::new();
    outside.write(
        "a.stress",
        &BEFORE
            .replace("use \"./common/limits.stress\" as limits\n", "")
            .replace("    include limits.kept(main)\n", ""),
    );
    outside.write("rows.csv", "id\n1\n");
    let said = |place: &Place, revision: &str, file: &str, part: &str| {
        let ran = place.call(&["plan", &format!("--diff={revision}"), file]);
        assert!(ran.code == 2 && ran.err.contains(part), "{part}\n{}{}", ran.out, ran.err);
    };
    said(&place, "nowhere", "a.stress", "has no commit `nowhere`");
    said(&place, "--exec=touch", "a.stress", "has no commit `--exec=touch`");
    said(&place, "HEAD", "new.stress", "there is no file `new.stress` at `HEAD`");
    said(&outside, "HEAD", "a.stress", "lies in no git repository");
    let ran = place.command(&["plan", "--diff", "HEAD", "a.stress"]).env("PATH", "/nowhere").output().unwrap();
    assert!(String::from_utf8_lossy(&ran.stderr).contains("`git` is not installed"), "{ran:?}");
    // A mistake of then is one of then.
    place.write("a.stress", "scenario a {\n}\n}\n");
    assert!(git(&place, &["commit", "-am", "wrong"]));
    place.write("a.stress", BEFORE);
    said(&place, "HEAD", "a.stress", "that is of `a.stress` as it was at `HEAD`");
}

/// Whatever the repository of a stranger asks for: nothing of it is run, and no link is followed.
#[test]
fn a_repository_runs_nothing() {
    let Some(place) = repository() else { return };
    let script = place.script("run", &format!("touch {}\ncat", place.path().join("ran").display()));
    let run = script.to_str().unwrap();
    place.write(".gitattributes", "* filter=own diff=own\n");
    assert!(git(&place, &["add", ".gitattributes"]) && git(&place, &["commit", "-m", "attributes"]));
    let settings = [
        ("core.fsmonitor", run),
        ("core.pager", run),
        ("core.hooksPath", place.path().to_str().unwrap()),
        ("core.sshCommand", run),
        ("filter.own.smudge", run),
        ("filter.own.clean", run),
        ("filter.own.required", "true"),
        ("diff.own.textconv", run),
        ("diff.external", run),
        ("gpg.program", run),
        ("log.showSignature", "true"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", "ext::sh -c \"touch ran\""),
        ("remote.origin.promisor", "true"),
        ("protocol.ext.allow", "always"),
        ("alias.cat-file", "!touch ran"),
    ];
    assert!(git(&place, &["config", "core.repositoryFormatVersion", "1"]));
    for (name, value) in settings {
        assert!(git(&place, &["config", name, value]), "{name}");
    }
    let _ = std::fs::remove_file(place.path().join("ran"));
    for hook in ["post-checkout", "post-index-change", "reference-transaction"] {
        std::fs::copy(&script, place.path().join(hook)).unwrap();
    }
    place.write("a.stress", &BEFORE.replace("50/s", "60/s"));
    let ran = place.call(&["plan", "--diff", "HEAD", "a.stress"]);
    assert!(ran.code == 0 && ran.out.contains("60/s"), "{}{}", ran.out, ran.err);
    // An object that is not there is not fetched.
    let found = Command::new("git").args(["rev-parse", "HEAD:rows.csv"]).current_dir(place.path()).output().unwrap();
    let object = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    let path = place.path().join(".git/objects").join(&object[..2]).join(&object[2..]);
    let _ = std::fs::remove_file(&path);
    let ran = place.call(&["plan", "--diff", "HEAD", "a.stress"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    let ran = place.path().join("ran");
    assert!(!ran.exists(), "something of the repository was run");
    // Who asks git plainly runs it.
    assert!(git(&place, &["status"]) && ran.exists(), "these settings run nothing");
}

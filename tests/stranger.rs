//! A stranger's file: what it may make `check` and a run read, print and spend.

use crate::support::Place;
use std::path::Path;
use std::time::{Duration, Instant};

const SECRET: &str = "hunter2-of-the-environment";

/// A scenario that sends what is given, and needs it before the run.
fn sending(body: &str) -> String {
    format!(
        "scenario s {{\n  target api = http(\"http://127.0.0.1:1\")\n  flow f on api {{\n    post \"/\" {{\n      body: {body}\n    \
         }}\n  }}\n  load main of f {{\n    hold 1/s for 1s as plateau\n  }}\n  expect error_rate(main) < 1%\n  expect p95(main) < 1s\n}}\n"
    )
}

fn below(place: &Place, directory: &str) -> std::path::PathBuf {
    let path = place.path().join(directory);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn check(place: &Place, arguments: &[&str]) -> (i32, String) {
    let mut command = place.command(&["check"]);
    let output = command.args(arguments).env("STRESS_TEST_SECRET", SECRET).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains(SECRET), "{arguments:?}: {said}");
    (output.status.code().unwrap_or(-1), said)
}

/// What is said of a file that names something, which does not check.
fn refused(place: &Place, text: &str, arguments: &[&str]) -> String {
    let file = place.write("work/main.stress", text);
    let mut all = vec![file.to_str().unwrap()];
    all.extend(arguments);
    let (code, said) = check(place, &all);
    assert_eq!(code, 2, "{text}: {said}");
    said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
#[cfg(target_os = "linux")]
fn no_file_shows_the_environment() {
    let place = Place::new();
    below(&place, "work");
    for text in [
        "use \"/proc/self/environ\" as e\n".to_owned(),
        "use \"../../../../../../proc/self/environ\" as e\n".to_owned(),
        sending("file(\"/proc/self/environ\")"),
        "data rows = csv(\"/proc/self/environ\")\n".to_owned() + &sending("\"\""),
        "alert_source pages { rules: \"/proc/self/environ\" }\n".to_owned() + &sending("\"\""),
    ] {
        let said = refused(&place, &text, &[]);
        assert!(said.contains("E0208") || said.contains("E0114"), "{said}");
    }
    // Even a link that is called like a scenario, and a root that holds everything, make no scenario of it.
    std::os::unix::fs::symlink("/proc/self/environ", place.path().join("work/e.stress")).unwrap();
    let said = refused(&place, "use \"./e.stress\" as e\n", &["--root", "/"]);
    assert!(said.contains("leads to a file whose name does not end in `.stress`"), "{said}");
    let said = refused(&place, "use \"/proc/self/environ\" as e\n", &["--root", "/"]);
    assert!(said.contains("its name does not end in `.stress`"), "{said}");
    for given in ["work/e.stress", "/proc/self/environ", "work"] {
        assert_eq!(check(&place, &[given]).0, 2, "{given}");
        assert_eq!(place.call(&["fmt", "--check", given]).code, 2, "{given}");
    }
}

#[test]
fn files_lie_beneath_the_root() {
    let place = Place::new();
    let (work, other) = (below(&place, "work/deep"), below(&place, "other"));
    std::fs::write(other.join("body.txt"), "text").unwrap();
    std::fs::write(work.join("near.txt"), "text").unwrap();
    let absolute = |path: &Path| path.to_str().unwrap().to_owned();
    let outside =
        "where the files of this scenario are; to read others, name a directory that holds them all by `--root DIR`";

    // Its own directory, however the path is written.
    let near = absolute(&work.join("near.txt"));
    for inside in ["deep/near.txt", "./deep/../deep/near.txt", near.as_str()] {
        place.write("work/main.stress", &sending(&format!("file(\"{inside}\")")));
        let (code, said) = check(&place, &["work/main.stress"]);
        assert_eq!(code, 0, "{inside}: {said}");
    }
    let far = absolute(&other.join("body.txt"));
    for path in ["../other/body.txt", "../other/nothing.txt", "../nothing/x.txt", far.as_str(), "/etc/nothing"] {
        let said = refused(&place, &sending(&format!("file(\"{path}\")")), &[]);
        assert!(said.contains(outside), "whether there is one is nobody's business: {said}");
    }
    // The directory that a person names.
    let root = absolute(place.path());
    place.write("work/main.stress", &sending("file(\"../other/body.txt\")"));
    assert_eq!(check(&place, &["work/main.stress", "--root", &root]).0, 0);
    assert_eq!(check(&place, &["work/main.stress", "--root", "work"]).0, 2);
    let (code, said) = check(&place, &["work/main.stress", "--root", "nowhere"]);
    assert!(code == 2 && said.contains("`nowhere`, the `--root`, cannot be read"), "{said}");
    // The nearest with `.git`.
    below(&place, ".git");
    assert_eq!(check(&place, &["work/main.stress"]).0, 0);
    // Never a home.
    let mut command = place.command(&["check", "work/main.stress"]);
    let said = String::from_utf8(command.env("HOME", place.path()).output().unwrap().stderr).unwrap();
    assert!(said.contains("E0208"), "{said}");
}

#[test]
#[cfg(unix)]
fn anybody_can_put_a_git_into_a_directory_of_all() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    below(&place, "work");
    below(&place, ".git");
    place.write("body.txt", "text");
    place.write("work/main.stress", &sending("file(\"../body.txt\")"));
    assert_eq!(check(&place, &["work/main.stress"]).0, 0);
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(check(&place, &["work/main.stress"]).0, 2);
}

#[test]
#[cfg(unix)]
fn links_lead_to_what_is_beneath_the_root() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let work = below(&place, "work/deep");
    std::fs::write(work.join("near.txt"), "text").unwrap();
    place.write("far.txt", "text");
    symlink(work.join("near.txt"), work.join("absolute.txt")).unwrap();
    symlink("deep", place.path().join("work/way")).unwrap();
    symlink("../../far.txt", work.join("out.txt")).unwrap();
    symlink("../../nothing.txt", work.join("gone.txt")).unwrap();
    symlink("../..", work.join("up")).unwrap();
    for path in ["deep/absolute.txt", "way/near.txt"] {
        place.write("work/main.stress", &sending(&format!("file(\"{path}\")")));
        let (code, said) = check(&place, &["work/main.stress"]);
        assert_eq!(code, 0, "{path}: {said}");
    }
    for path in ["deep/out.txt", "way/out.txt", "deep/gone.txt", "deep/up/far.txt", "deep/up/nothing.txt"] {
        let said = refused(&place, &sending(&format!("file(\"{path}\")")), &[]);
        assert!(said.contains("is not beneath"), "{path}: {said}");
    }
}

#[test]
fn what_is_hidden_is_not_read() {
    let place = Place::new();
    below(&place, "work/.git");
    place.write("work/.git/config", "token");
    place.write("work/.env", "token");
    for path in [".git/config", ".env"] {
        let said = refused(&place, &sending(&format!("file(\"{path}\")")), &[]);
        assert!(said.contains("is hidden, and hidden files are not read"), "{path}: {said}");
    }
    place.write("work/main.stress", &sending("file(\".env\")"));
    assert_eq!(check(&place, &["work/main.stress", "--root", "work"]).0, 0);
}

#[test]
#[cfg(unix)]
fn only_regular_files_are_read() {
    let place = Place::new();
    let work = below(&place, "work/all");
    let pipe = |path: &Path| {
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
    };
    pipe(&work.join("pipe.stress"));
    pipe(&work.join("pipe.csv"));
    let _socket = std::os::unix::net::UnixListener::bind(work.join("socket.jsonl")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", work.join("zero.stress")).unwrap();
    let started = Instant::now();
    let data = |call: &str| format!("data rows = {call}\n{}", sending("\"\""));
    for (text, what) in [
        (data("csv(\"all/pipe.csv\")"), "is a pipe"),
        (data("jsonl(\"all/socket.jsonl\")"), "is a socket"),
        (data("json(\"/dev/zero\")"), "is a device"),
        (data("csv(\"all\")"), "is a directory"),
        (sending("file(\"/dev/zero\")"), "is a device"),
        (sending("file(\"all/pipe.csv\")"), "is a pipe"),
        ("use \"./all/pipe.stress\"\n".to_owned(), "is a pipe"),
        ("use \"./all/zero.stress\"\n".to_owned(), "is a device"),
    ] {
        let said = refused(&place, &text, &["--root", "/"]);
        assert!(said.contains(&format!("{what}, and only regular files are read")), "{said}");
    }
    for call in [
        vec!["check", "work/all"],
        vec!["fmt", "--check", "work/all"],
        vec!["check", "work/all/pipe.stress"],
        vec!["run", "work/all/zero.stress"],
        vec!["check", "work/main.stress", "--env-file", "work/all/pipe.csv"],
        vec!["check", "work/main.stress", "--env-file", "/dev/zero"],
    ] {
        let ran = place.call(&call);
        assert_eq!(ran.code, 2, "{call:?}: {}", ran.err);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "something waited");
}

#[test]
fn a_size_that_makes_no_sense_is_refused() {
    let place = Place::new();
    below(&place, "work");
    let long = format!("let a = \"{}\"\n", "x".repeat(1 << 18));
    let said = refused(&place, &long, &[]);
    assert!(said.contains("line 1 of") && said.contains("has more than 256 KiB"), "{said}");
    let file = std::fs::File::create(place.path().join("work/large.stress")).unwrap();
    file.set_len(1 << 40).unwrap();
    let said = refused(&place, "use \"./large.stress\"\n", &[]);
    assert!(said.contains("is larger than 4 MiB, which is no scenario"), "{said}");
    for (text, why) in [
        (sending("\"{file(\"large.stress\")}\"").replace("\"{file", "template").replace(")}\"", ")"), "16 MiB"),
        ("data rows = csv(\"large.stress\")\n".to_owned() + &sending("\"\""), "is no row"),
        ("data rows = jsonl(\"large.stress\")\n".to_owned() + &sending("\"\""), "is no row"),
        (sending("file(\"large.stress\")"), "a file that is sent has at most 1 GiB"),
    ] {
        let said = refused(&place, &text, &[]);
        assert!(said.contains(why), "{said}");
    }
}

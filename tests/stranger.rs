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

/// What `check` says of a file, in so much memory that it would be ended if it took what it could.
#[cfg(unix)]
fn frugally(place: &Place, text: &str) -> (i32, String) {
    place.write("work.stress", text);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -v 3000000; exec \"$0\" check work.stress", env!("CARGO_BIN_EXE_stressc")]);
    let output = shell.current_dir(place.path()).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

/// A scenario with more in it.
fn with(inside: &str, sending: &str) -> String {
    sending.replacen("scenario s {\n", &format!("scenario s {{\n{inside}"), 1)
}

/// `let v1 = …` of `v0`, and so on.
fn growing(first: &str, step: &str, times: usize) -> String {
    let line = |n: usize| format!("let v{n} = {}\n", step.replace('@', &format!("v{}", n - 1)));
    format!("let v0 = {first}\n{}", (1..=times).map(line).collect::<String>())
}

#[test]
#[cfg(unix)]
fn no_value_fills_the_memory() {
    let place = Place::new();
    let ten = |open: &str, each: &str, between: &str, close: &str| format!("{open}{}{close}", [each; 10].join(between));
    let text = |times| growing("\"0123456789\"", &ten("\"", "{@}", "", "\""), times);
    let list = |times| growing("[1, 2]", &ten("[", "@", ", ", "]"), times);
    let json = |value: &str| sending("\"\"").replace("body: \"\"", &format!("json: {value}"));
    let copies: String = (0..1_000).map(|n| format!("let w{n} = v4\n")).collect();
    let files = [
        with(&text(11), &sending("v11")),
        with(&list(11), &json("{ all: v11 }")),
        with(&growing("{ a: 1 }", "{ a: @, b: @, c: @, d: @, e: @, f: @, g: @, h: @ }", 11), &json("v11")),
        text(11).replace("let v", "param v").replace(" = ", ": Text = ") + &sending("v11"),
        // As large as a value may be, again and again.
        with(&text(6), &json(&format!("[{}]", vec!["v6"; 1_000].join(", ")))),
        with(&(list(4) + &copies), &json("w1")),
    ];
    for file in files {
        let (code, said) = frugally(&place, &file);
        assert!(code == 2 && said.contains("E0311"), "{code}: {said}");
        assert_eq!(said.matches("E0311").count(), 1, "said once: {said}");
    }
}

#[test]
#[cfg(unix)]
fn a_template_is_not_filled_beyond_the_limit() {
    let place = Place::new();
    place.write("marks.txt", &"{x}".repeat(1 << 20));
    let wide = format!("let wide = \"{}\"\n", "y".repeat(1 << 10));
    let file = with(&wide, &sending("template(\"marks.txt\", { x: wide })"));
    let (code, said) = frugally(&place, &file);
    assert!(code == 2 && said.contains("this value takes more than 16 MiB"), "{code}: {said}");
    place.write("marks.txt", &"{x}".repeat(1 << 10));
    assert_eq!(frugally(&place, &file).0, 0);
}

#[test]
#[cfg(unix)]
fn a_statement_has_an_end() {
    let place = Place::new();
    let lines = |item: &str, count: usize| vec![vec![item; 100].join(", "); count].join(",\n");
    let list = with(&format!("let many = [{}]\n", lines("1", 2_000)), &sending("\"\""));
    let marks = format!("{}\n", "{x}".repeat(100)).repeat(1_100);
    let text = with(&format!("let x = 1\nlet many = \"\"\"\n{marks}\"\"\"\n"), &sending("\"\""));
    for file in [list, text] {
        let (code, said) = frugally(&place, &file);
        assert!(code == 2 && said.contains("this statement has more than 100,000 parts"), "{code}: {said}");
    }
}

#[test]
#[cfg(unix)]
fn of_many_mistakes_the_first_are_told() {
    let place = Place::new();
    let unknown: String = (0..20_000).map(|n| format!("let a{n} = nothing{n}\n")).collect();
    let unknown = with(&unknown, &sending("\"\""));
    let broken = "what is this\n".repeat(100_000);
    let twice = with(&"let a = 1\n".repeat(50_000), &sending("\"\""));
    let ended = "x;".repeat(1 << 16);
    for file in [unknown, broken, twice, ended] {
        let (code, said) = frugally(&place, &file);
        assert!(
            code == 2 && said.contains("more are not shown, mend these first"),
            "{code}: {}",
            &said[..said.len().min(2000)]
        );
        assert!(said.len() < 100_000, "{}", said.len());
    }
}

#[test]
fn what_is_written_does_not_steer_the_terminal() {
    let place = Place::new();
    let hidden = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}'];
    let all: String = hidden.iter().collect();
    let shown = |ran: &crate::support::Ran| {
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains(hidden), "{said:?}");
        said
    };
    // In the line that is shown, in the message, in a comment, in the name of a file.
    for text in [
        sending(&format!("nothing(\"{all}\") // {all}")),
        format!("{all}\n"),
        format!("use \"./{all}.stress\" as a\n"),
        format!("allow \"{all}\"\n{}", sending("\"\"")),
    ] {
        place.write("work.stress", &text);
        for call in [
            vec!["check", "work.stress"],
            vec!["check", "--format", "short", "work.stress"],
            vec!["plan", "work.stress"],
        ] {
            let ran = place.call(&call);
            assert_eq!(ran.code, 2, "{call:?}: {}", ran.err);
            let said = shown(&ran);
            let is_drawn = call[1] == "work.stress";
            assert!(!is_drawn || said.contains("\\u{202e}"), "{said}");
        }
    }
    let name = format!("a{all}.stress");
    place.write(&name, "let a = nothing\n");
    for call in
        [vec!["check", name.as_str()], vec!["check", "."], vec!["fmt", "--check", "."], vec!["run", name.as_str()]]
    {
        shown(&place.call(&call));
    }
    // The page of a plan.
    place.write("plan.stress", &format!("/// {all}\n{}", sending("\"\"")));
    let ran = place.call(&["plan", "plan.stress"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(shown(&ran).contains("\\u{202e}"), "{}", ran.out);
    shown(&place.call(&["fmt", "--check", "plan.stress"]));
}

#[test]
fn a_long_line_is_shown_around_its_mistake() {
    let place = Place::new();
    let long = format!("let a = [{}nothing, {}]\n", "\"ä\", ".repeat(5_000), "\"ö\", ".repeat(5_000));
    place.write("work.stress", &with(&long, &sending("\"\"")));
    let ran = place.call(&["check", "work.stress"]);
    assert!(ran.code == 2 && ran.err.len() < 4_000, "{}", ran.err.len());
    assert!(ran.err.contains("nothing") && ran.err.contains("…") && ran.err.contains("not declared"), "{}", ran.err);
    assert!(ran.err.contains("work.stress:2:25010"), "the column is that of the file: {}", ran.err);
}

#[test]
fn values_of_variables_are_not_told() {
    let place = Place::new();
    let file = |text: &str| format!("{text}\n{}", sending("\"\""));
    for text in [
        "param a: Text = env(\"STRESS_TEST_SECRET\")\nallow a",
        "param a: Text = env(\"STRESS_TEST_SECRET\")\nallow \"{a}:x\"",
        "param a: Text = env(\"STRESS_TEST_SECRET\")\nallow \"https://{a}/path\"\nallow \"*.*.{a}\"",
        "data rows = csv(env(\"STRESS_TEST_SECRET\"))",
        "param a: Text = env(\"STRESS_TEST_SECRET\")\nparam b: Duration = a",
    ] {
        place.write("work.stress", &file(text));
        for format in ["human", "short", "json", "sarif", "github"] {
            check(&place, &["work.stress", "--format", format]);
        }
    }
    place.write("work.stress", &file("param a: Text = env(\"STRESS_TEST_SECRET\")\nallow \"{a}/x\""));
    let (code, said) = check(&place, &["work.stress", "--format", "short"]);
    assert!(code == 2 && said.contains("`***/x` allows no host"), "{said}");
    place.write("variables", &format!("FROM_A_FILE={SECRET}\n"));
    place.write("work.stress", &file("param a: Text = env(\"FROM_A_FILE\")\nallow \"{a}/x\""));
    let (code, said) = check(&place, &["work.stress", "--env-file", "variables", "--format", "short"]);
    assert!(code == 2 && said.contains("`***/x` allows no host"), "{said}");
}

/// What `check` says of a text, in every format.
fn told(place: &Place, text: &str) -> (i32, String) {
    place.write("work.stress", text);
    let said =
        ["human", "short", "json", "sarif", "github"].map(|format| check(place, &["work.stress", "--format", format]));
    (said[0].0, said.map(|(_, said)| said).concat())
}

#[test]
fn contents_of_files_are_not_told() {
    let place = Place::new();
    place.write("key.txt", &format!("client_secret={SECRET}\n  other:{SECRET}\r\nABC {SECRET}"));
    place.write("one.txt", SECRET);
    place.write("form.txt", &format!("a={{x}}&token={SECRET}!"));
    let with_answer = |asked: &str| sending("\"\"").replace("body: \"\"\n", &format!("expect {asked} == \"x\"\n"));
    for file in ["file(\"key.txt\")", "file(\"one.txt\")", "template(\"form.txt\", { x: \"1\" })"] {
        for text in [
            format!("allow {file}\n{}", sending("\"\"")),
            format!("param a: Text = {file}\nallow \"https://{{a}}/path\"\n{}", sending("\"\"")),
            with("  link l = tcp(to: @)\n".replace('@', file).as_str(), &sending("\"\"")),
            with_answer(&format!("css({file} + \"[[\")")),
            with_answer(&format!("json({file})")),
            with_answer(&format!("regex({file} + \"(\")")),
            sending("\"\"").replace("post", &format!("request {file}")),
        ] {
            place.write("work.stress", &text);
            for format in ["human", "short", "json", "sarif", "github"] {
                let (code, said) = check(&place, &["work.stress", "--format", format]);
                // One line may be a host, a method or a pattern.
                assert!(code == 2 || !file.contains("key.txt"), "{code}: {text}: {said}");
                assert!(!said.contains("hunter2"), "{text}: {said}");
            }
        }
    }
    // A file of variables is a table whose head is its first line, and so is a list of objects.
    place.write("keys.env", &format!("AWS_KEY={SECRET},OTHER={SECRET}\nb,c\n"));
    place.write("twice.csv", &format!("{SECRET},{SECRET}\nb,c\n"));
    place.write("rows.jsonl", &format!("{{\"{SECRET}\": 1}}\n"));
    place.write("rules.yml", &format!("groups:\n- rules:\n  - alert: {SECRET}\n    expr: up\n"));
    for (data, path) in [("csv", "keys.env"), ("csv", "twice.csv"), ("jsonl", "rows.jsonl")] {
        let rows = format!("data rows = {data}(\"{path}\")");
        let asking = sending("\"\"").replace("body: \"\"", "body: \"{one.hunter2_of_the}\"");
        let asking = asking.replace("    post", "    let one = rows.random()\n    post");
        let replaying = sending("\"\"").replace("hold 1/s for 1s as plateau", "replay rows speed 1x");
        for text in [
            format!("{rows}\n{asking}"),
            format!("{rows}\n{replaying}"),
            format!("{rows} {{\n  columns: {{ aws_key: Text }}\n}}\n{asking}"),
        ] {
            let (code, said) = told(&place, &text);
            assert!(code == 2 && !said.contains("hunter2-") && !said.contains("AWS_KEY="), "{text}: {said}");
        }
    }
    let rules = "  alerts all = alertmanager(\"http://localhost:9\") {\n    rules: \"rules.yml\"\n  }\n  expect {\n    alert \"hunter2-of-the-env\" fires within 1m of plateau\n  }\n";
    let (code, said) = told(&place, &with(rules, &sending("\"\"")));
    assert!(code == 2 && said.contains("has no alert") && !said.contains(SECRET), "{said}");
    place.write("work.stress", &format!("allow file(\"key.txt\")\n{}", sending("\"\"")));
    let (_, said) = check(&place, &["work.stress", "--format", "short"]);
    assert!(said.contains("allows no host") && said.contains("***"), "{said}");
}

/// What `check` says of a file within seconds of the processor, however busy the machine is.
#[cfg(unix)]
fn quickly(place: &Place, text: &str) -> (i32, String) {
    place.write("work.stress", text);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -t 20; exec \"$0\" check work.stress", env!("CARGO_BIN_EXE_stressc")]);
    let output = shell.current_dir(place.path()).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

#[test]
#[cfg(unix)]
fn a_small_file_does_not_take_long() {
    let place = Place::new();
    // Many windows.
    let stages = "repeat 5 {\n repeat 1000 {\n hold 1/s for 1s as p\n ramp 1/s -> 2/s over 1s as q\n }\n }\n";
    let text = sending("\"\"").replace("hold 1/s for 1s as plateau\n", stages);
    let (code, said) = quickly(&place, &with(&"  expect p95(main) < 1s during p\n".repeat(20), &text));
    assert!(code == 0, "{code}: {}", &said[..said.len().min(500)]);
    // Many names that are not known, and that are long.
    let long = "z".repeat(90);
    let params: String = (0..3_000).map(|n| format!("param {long}{n}: Text = yyy{long}{n}\n")).collect();
    let (code, said) = quickly(&place, &(params + &sending("\"\"")));
    assert!(code == 2 && said.contains("not declared"), "{code}: {}", &said[..said.len().min(500)]);
    // Many regular expressions that are large.
    let asked: String = (0..3_000).map(|n| format!("expect regex('([\\w]{{400}}x{n})') == \"x\"\n")).collect();
    let (code, said) = quickly(&place, &sending("\"\"").replace("body: \"\"\n", &asked));
    assert!(code == 2 && said.matches("E0311").count() == 1, "{code}: {}", &said[..said.len().min(500)]);
}

//! The canonical form: golden pairs in `tests/fmt` (`BLESS=1` writes the expectations), and what holds for any text:
//! formatting again changes nothing, nothing is lost, and what the text says stays.

#![allow(clippy::unwrap_used)] // A test may panic.

use crate::robust::{Random, fuzzed, mutate, seed, seeds};
use crate::support::Place;
use crate::support::compile::{files, root, texts};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};
use stressc::base::{FileId, Source};
use stressc::diag::Code;
use stressc::syntax::{format, parse};

fn source(text: &str) -> Source {
    Source::new(FileId(0), "test", text)
}

fn formatted(text: &str) -> String {
    format(&source(text))
}

/// What a text says, comments included. A brace or a comma may change places with a comment.
fn said(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace() && !matches!(c, ',' | ';' | '{' | '\u{feff}')).collect()
}

/// The tree of a text, without places in the text.
fn tree(text: &str) -> String {
    let drawn = format!("{:?}", parse(&source(text)).file);
    let mut parts = drawn.split("Span { file: FileId(0), start: ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.split_once(" }").map_or("", |(_, rest)| rest));
    }
    out
}

/// The codes of the mistakes in the form of a text, other than semicolons, which formatting takes away.
fn mistakes(text: &str) -> Vec<Code> {
    let found = parse(&source(text)).diagnostics.sorted();
    found.iter().map(|d| d.code).filter(|code| *code != Code::E0107).collect()
}

/// Whether the formatter keeps its promises on a text.
fn sound(text: &str) -> Result<(), String> {
    let started = Instant::now();
    let once = std::panic::catch_unwind(|| formatted(text)).map_err(|_| "it panics".to_owned())?;
    let took = started.elapsed();
    if took > Duration::from_secs(2) {
        return Err(format!("it takes {took:?}"));
    }
    let twice = formatted(&once);
    if twice != once {
        return Err(format!("formatting again changes it:\n{once}\n--- again\n{twice}"));
    }
    if said(&once) != said(text) || once.matches('{').count() != text.matches('{').count() {
        return Err(format!("something is lost or new:\n{once}"));
    }
    if parse(&source(text)).diagnostics.is_empty() && tree(&once) != tree(text) {
        return Err(format!("it says something else:\n{once}\n{}\n{}", tree(text), tree(&once)));
    }
    Ok(())
}

#[test]
fn each_text_takes_its_form() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    for path in files(&root().join("tests/fmt"), "stress") {
        let text = std::fs::read_to_string(&path).unwrap();
        let beside = path.with_extension("expected");
        let found = formatted(&text);
        if bless {
            std::fs::write(&beside, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if expected != found {
            writeln!(wrong, "{}\n--- expected\n{expected}+++ found\n{found}", path.display()).unwrap();
        }
        if let Err(why) = sound(&text) {
            writeln!(wrong, "{}: {why}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_in_form_stays() {
    let mut wrong = String::new();
    for path in files(&root().join("scenarios"), "stress") {
        let text = std::fs::read_to_string(&path).unwrap();
        if formatted(&text) != text {
            writeln!(wrong, "{} changes:\n{}", path.display(), formatted(&text)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn formatting_keeps_what_every_text_says() {
    let mut wrong = String::new();
    for (path, text) in texts() {
        if let Err(why) = sound(&text) {
            writeln!(wrong, "{}: {why}", path.display()).unwrap();
        }
        let (before, after) = (mistakes(&text), mistakes(&formatted(&text)));
        if before != after {
            writeln!(wrong, "{}: {before:?} → {after:?}:\n{}", path.display(), formatted(&text)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn formatting_keeps_what_any_text_says() {
    let seeds = seeds();
    let seed = seed();
    let mut random = Random(seed);
    let started = Instant::now();
    while started.elapsed() < fuzzed() {
        let mut text = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut text, &mut random);
        }
        if let Err(why) = sound(&text) {
            panic!("SEED={seed}: {why}\n--- from\n{text}");
        }
    }
}

#[test]
fn a_long_text_takes_no_longer_a_line_to_format() {
    for line in [
        "hold 5/s for 5s",
        "a: 1, b: 2,",
        "(",
        "{",
        "{ a",
        "}",
        "[",
        ";",
        "\"",
        "// a",
        "/// a",
        "- a",
        "a.b.c",
        "at 5s",
        "{ a: 1 }",
        "f(x, y)",
        "scenario s { load",
    ] {
        for text in [format!("{line}\n").repeat(2_000), format!("{line} ").repeat(2_000)] {
            let started = Instant::now();
            let once = formatted(&text);
            let took = started.elapsed();
            assert!(took < Duration::from_secs(2), "2,000 times `{line}` takes {took:?}");
            assert_eq!(formatted(&once), once, "2,000 times `{line}`");
        }
    }
}

const UNTIDY: &str = "flow  f  on x{\nget \"/\"\n}\n";
const TIDY: &str = "flow f on x {\n  get \"/\"\n}\n";

#[test]
fn fmt_rewrites_what_changes() {
    let place = Place::new();
    let untidy = place.write("untidy.stress", UNTIDY);
    let tidy = place.write("tidy.stress", TIDY);
    let before = std::fs::metadata(&tidy).unwrap().modified().unwrap();
    let ran = place.call(&["fmt", "untidy.stress", "tidy.stress"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    assert_eq!(std::fs::read_to_string(&untidy).unwrap(), TIDY);
    assert_eq!(std::fs::metadata(&tidy).unwrap().modified().unwrap(), before);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2, "nothing is left beside the files");
}

#[test]
fn fmt_check_says_what_would_change() {
    let place = Place::new();
    let untidy = place.write("untidy.stress", UNTIDY);
    place.write("tidy.stress", TIDY);
    let ran = place.call(&["fmt", "--check", "untidy.stress", "tidy.stress"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.out.starts_with("--- untidy.stress\n+++ untidy.stress\n@@ "), "{}", ran.out);
    assert!(ran.out.contains("-flow  f  on x{\n") && ran.out.contains("+flow f on x {\n"), "{}", ran.out);
    assert!(!ran.out.contains("tidy.stress\n+++ tidy"), "{}", ran.out);
    assert_eq!(std::fs::read_to_string(&untidy).unwrap(), UNTIDY);
    let ran = place.call(&["fmt", "--check", "tidy.stress"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
}

#[test]
fn fmt_reads_directories() {
    let place = Place::new();
    std::fs::create_dir_all(place.path().join("a/b")).unwrap();
    let deep = place.write("a/b/deep.stress", UNTIDY);
    let other = place.write("a/other.txt", UNTIDY);
    let ran = place.call(&["fmt", "a"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    assert_eq!(std::fs::read_to_string(&deep).unwrap(), TIDY);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), UNTIDY);
}

#[test]
fn fmt_names_what_it_cannot_read() {
    let place = Place::new();
    let untidy = place.write("untidy.stress", UNTIDY);
    let ran = place.call(&["fmt", "missing.stress", "untidy.stress"]);
    assert_eq!((ran.code, ran.err.as_str()), (2, "error: there is no file `missing.stress`\n"));
    assert_eq!(std::fs::read_to_string(&untidy).unwrap(), TIDY, "the other files are formatted");
    let ran = place.call(&["fmt", "--check", "missing.stress"]);
    assert_eq!(ran.code, 2);
    assert_eq!(place.call(&["fmt"]).code, 2);
}

#[test]
fn fmt_leaves_alone_what_does_not_parse() {
    let place = Place::new();
    let text = "flow f on x {\nget   \"/\nthink   1s\n}\n";
    let written = place.write("a.stress", text);
    let ran = place.call(&["fmt", "a.stress"]);
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (2, "a.stress: left as it is: 1 statement does not parse; `stressc check` says which\n")
    );
    assert_eq!(std::fs::read_to_string(&written).unwrap(), text);
    assert_eq!(place.call(&["fmt", "--check", "a.stress"]).code, 2);
}

#[test]
fn fmt_reads_standard_input() {
    let place = Place::new();
    for (arguments, code, out) in
        [(vec!["fmt", "-"], 0, TIDY), (vec!["fmt", "--check", "-"], 1, "--- standard input\n")]
    {
        let mut command = place.command(&arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(UNTIDY.as_bytes()).unwrap();
        let ran = place.ended(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (code, ""));
        assert!(ran.out.starts_with(out), "{}", ran.out);
    }
}

#[cfg(unix)]
/// A way that somebody else can change may lead to another file when it is written than when it was read.
#[cfg(unix)]
#[test]
fn fmt_writes_nowhere_where_others_lead_the_way() {
    use std::os::unix::fs::{PermissionsExt, chown};
    if !rustix::process::geteuid().is_root() {
        return crate::support::left_out::left_out("only root can give a directory to another user");
    }
    let place = Place::new();
    let theirs = place.path().join("theirs");
    std::fs::create_dir_all(theirs.join("w")).unwrap();
    let file = place.write("theirs/w/x.stress", UNTIDY);
    chown(&theirs, Some(65534), Some(65534)).unwrap();
    let ran = place.call(&["fmt", "theirs/w/x.stress"]);
    assert!(ran.code == 2 && ran.err.contains("belongs to another user, the one with the number 65534"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), UNTIDY);
    chown(&theirs, Some(0), Some(0)).unwrap();
    std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o777)).unwrap();
    let ran = place.call(&["fmt", "theirs/w/x.stress"]);
    assert!(ran.code == 2 && ran.err.contains("everybody may write into it"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), UNTIDY);
}

#[test]
fn fmt_keeps_links_and_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let target = place.write("target.stress", UNTIDY);
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("target.stress", place.path().join("link.stress")).unwrap();
    let ran = place.call(&["fmt", "link.stress"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(std::fs::symlink_metadata(place.path().join("link.stress")).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), TIDY);
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    std::fs::write(&target, UNTIDY).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o440)).unwrap();
    let ran = place.call(&["fmt", "link.stress"]);
    assert_eq!((ran.code, ran.err.as_str()), (2, "error: `link.stress` may not be written\n"));
}

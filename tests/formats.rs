//! Reports for machines: JUnit, Markdown, CSV and annotations of GitHub.

use crate::support::left_out::left_out;
use crate::support::{Place, Server, evil};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::time::Duration;
use stressc::judge::{Others, VerdictKind, judge};
use stressc::metric::Outcome;
use stressc::report::{Format, Report, report};

/// The report of a record in `tests/records/1/`.
fn recorded(name: &str) -> Report {
    let root = crate::support::compile::root();
    let (plan, stats) = stressc::store::read(&root.join("tests/records/1").join(name)).unwrap();
    let verdict = judge(&plan, &stats, &Others::default());
    report(&plan, &stats, &verdict)
}

fn hostile() -> Report {
    let mut report = recorded("all");
    evil::fill(&mut report);
    report.report_url = Some(format!("https://ci.example/{}", evil::evil("url")));
    report
}

fn text(format: Format, report: &Report) -> String {
    String::from_utf8(format.write(report)).unwrap()
}

/// Checks a document against what CI systems read of JUnit's XML, and its numbers against what is in it.
fn is_junit(bytes: &str) {
    let document = roxmltree::Document::parse(bytes).unwrap_or_else(|error| panic!("{error}\n{bytes}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    for suite in root.children().filter(roxmltree::Node::is_element) {
        assert!(suite.attribute("timestamp").is_none_or(|own| own.parse::<jiff::Timestamp>().is_ok()), "{bytes}");
        let cases = || suite.children().filter(|own| own.has_tag_name("testcase"));
        let count = |name: &str| cases().filter(|case| case.children().any(|own| own.has_tag_name(name))).count();
        let told = |name: &str| suite.attribute(name).unwrap().parse::<usize>().unwrap();
        assert_eq!(told("tests"), cases().count());
        assert_eq!((told("failures"), told("errors")), (count("failure"), count("error")));
        assert_eq!(told("skipped"), count("skipped"));
        let mut names: Vec<_> = cases().map(|case| (case.attribute("classname"), case.attribute("name"))).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "two cases of one name");
    }
    if xmllint().is_some() {
        assert_eq!(unlike_jenkins(bytes), None, "{bytes}");
    }
}

fn xmllint() -> Option<std::process::Output> {
    std::process::Command::new("xmllint").arg("--version").output().ok()
}

/// Why the xUnit plugin of Jenkins would refuse a document.
fn unlike_jenkins(bytes: &str) -> Option<String> {
    let place = Place::new();
    let file = place.write("junit.xml", bytes);
    let schema = crate::support::compile::root().join("tests/support/schemas/junit-10.xsd");
    let mut xmllint = std::process::Command::new("xmllint");
    let ran = xmllint.args(["--nonet", "--noout", "--schema"]).args([schema, file]).output().unwrap();
    (!ran.status.success()).then(|| String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn the_schema_of_jenkins_finds_what_is_wrong() {
    if xmllint().is_none() {
        return left_out("xmllint is missing, so no document of JUnit was held against the schema of Jenkins");
    }
    let good = text(Format::Junit, &recorded("all"));
    assert_eq!(unlike_jenkins(&good), None);
    for (from, to) in [("<testcase name=", "<testcase line=\"1\" name="), (" failures=", " failed=")] {
        let wrong = good.replacen(from, to, 2);
        assert!(unlike_jenkins(&wrong).is_some_and(|told| told.contains("not allowed")), "{wrong}");
    }
}

#[test]
fn a_report_is_junit_as_ci_systems_read_it() {
    for name in ["all", "ends", "aborts"] {
        let mut report = recorded(name);
        is_junit(&text(Format::Junit, &report));
        report.verdict = VerdictKind::Untrusted;
        report.trust.reasons.push("the generator was late".to_owned());
        let untrusted = text(Format::Junit, &report);
        is_junit(&untrusted);
        assert!(untrusted.contains("<error message="), "{untrusted}");
    }
    let mut report = recorded("all");
    assert!(report.expectations.len() > 2);
    for (expected, outcome) in report.expectations.iter_mut().zip([Outcome::Failed, Outcome::Inconclusive]) {
        expected.outcome = outcome;
    }
    report.verdict = VerdictKind::Failed;
    let told = text(Format::Junit, &report);
    is_junit(&told);
    assert!(told.contains("type=\"failed\"") && told.contains("type=\"inconclusive\""), "{told}");
}

#[test]
fn nothing_from_outside_is_more_than_text_in_junit() {
    let told = text(Format::Junit, &hostile());
    // Two expectations of one text are told apart by their lines, which are those of the file.
    is_junit(&told);
    let document = roxmltree::Document::parse(&told).unwrap();
    let case =
        document.descendants().find(|own| own.attribute("name").is_some_and(|name| name.contains("expectation")));
    assert!(case.unwrap().attribute("name").unwrap().contains("</script><script>"), "{told}");
    assert!(document.descendants().all(|own| !matches!(own.tag_name().name(), "script" | "img" | "svg")));
}

/// What a comment shows: its links, its text outside of code, and its HTML.
fn shown(markdown: &str) -> (Vec<String>, String, Vec<String>) {
    let (mut links, mut plain, mut html) = (Vec::new(), String::new(), Vec::new());
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.to_string()),
            Event::Start(Tag::Image { dest_url, .. }) => panic!("an image of {dest_url}"),
            Event::Start(Tag::CodeBlock(_) | Tag::BlockQuote(_)) => panic!("a block in {markdown}"),
            Event::Html(own) | Event::InlineHtml(own) => html.push(own.trim().to_owned()),
            Event::Text(text) => plain.push_str(&text),
            Event::End(TagEnd::Paragraph | TagEnd::TableCell | TagEnd::Item) | Event::SoftBreak => plain.push('\n'),
            _ => {}
        }
    }
    (links, plain, html)
}

#[test]
fn nothing_from_outside_is_more_than_text_in_a_comment() {
    let mut report = hostile();
    for outcome in [Outcome::Failed, Outcome::Inconclusive, Outcome::Held] {
        report.expectations.iter_mut().for_each(|own| own.outcome = outcome);
        let told = text(Format::Markdown, &report);
        let (links, plain, html) = shown(&told);
        assert_eq!(links.len(), 1, "{links:?}\n{told}");
        assert!(links[0].starts_with("https://ci.example/url%3C/title%3E"), "{links:?}");
        for sign in ["@", "#12", "www.", "://", "%0A"] {
            assert!(!plain.contains(sign), "{sign} in {plain}");
        }
        assert!(html.iter().all(|own| own.starts_with("<details>") || own == "</details>"), "{html:?}");
        assert_eq!(told.lines().filter(|line| line.starts_with('#')).count(), 1, "one heading\n{told}");
        // Each row of a table has as many cells as its head.
        let bars = |line: &str| {
            let mut bars = 0;
            let mut before = 0;
            for c in line.chars() {
                bars += usize::from(c == '|' && before % 2 == 0);
                before = if c == '\\' { before + 1 } else { 0 };
            }
            bars
        };
        let mut head = None;
        for line in told.lines() {
            head = line.starts_with('|').then(|| head.unwrap_or(bars(line)));
            assert!(head.is_none_or(|head| head == bars(line)), "{line}");
        }
    }
}

#[test]
fn a_comment_shows_what_changed_and_how_sure_that_is() {
    use stressc::plan::{AcrossRuns, Regression};
    let mut report = recorded("all");
    let regressed = AcrossRuns {
        verdict: Regression::Regressed,
        baseline: 2e7,
        is_relative: true,
        change: 0.12,
        low: 0.08,
        high: 0.17,
        allowed: 0.05,
        smallest: 0.06,
        chance: 0.001,
        runs: (5, 3),
        is_advisory: false,
    };
    let own = &mut report.expectations[0];
    own.across = Some(regressed);
    let before =
        |value| stressc::report::EarlierValue { run: "a".to_owned(), started: String::new(), commit: None, value };
    own.earlier = [2e8, 2.02e8, 1.0e8].map(before).into();
    let told = text(Format::Markdown, &report);
    assert!(told.contains("**Compared with the baseline** (3 runs against 5 runs)"), "{told}");
    let row = told.lines().find(|line| line.starts_with("| ✘ regressed")).unwrap_or_else(|| panic!("{told}"));
    assert!(
        row.contains("| `p95(main) < 100ms` (line ")
            && row.contains(" | 20ms | 22.4ms `")
            && row.contains("` over 4 runs |"),
        "{row}"
    );
    assert!(row.ends_with("| +12% (+8% to +17%) | +6% |"), "{row}");
    assert_eq!(told.matches("p95(main) < 100ms").count(), 1, "what has a row of its own has no other: {told}");
}

#[test]
fn a_comment_fits_on_a_screen_however_much_there_is_to_say() {
    let mut report = recorded("all");
    let one = report.expectations[0].clone();
    report.expectations = vec![one; 300];
    report.expectations.iter_mut().for_each(|own| own.outcome = Outcome::Failed);
    report.notes = vec!["x ".repeat(5_000); 200];
    report.reason = Some("y ".repeat(5_000));
    report.scenario = "z".repeat(5_000);
    let told = text(Format::Markdown, &report);
    let seen = told.split("<details>").next().unwrap();
    assert!(seen.lines().count() <= 40, "{} lines\n{seen}", seen.lines().count());
    assert!(told.starts_with("### ✘ failed: "), "{told}");
    report.expectations.iter_mut().for_each(|own| own.outcome = Outcome::Held);
    // GitHub takes no comment of more than 65,536 characters.
    assert!(text(Format::Markdown, &report).chars().count() < 40_000);
}

#[test]
fn nothing_from_outside_is_a_formula_or_a_row_in_csv() {
    let mut report = hostile();
    for (window, name) in
        report.windows.iter_mut().zip(["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =1", "\t=1"])
    {
        window.name = name.to_owned();
    }
    let told = Format::Csv.write(&report);
    assert!(told.ends_with(b"\r\n"));
    let mut rows = csv::Reader::from_reader(told.as_slice());
    let heads = rows.headers().unwrap().clone();
    let at = |name: &str| heads.iter().position(|head| head == name).unwrap();
    let (mut count, mut numbers) = (0, 0);
    for row in rows.records() {
        // The reader refuses a row that is longer or shorter than the heads.
        let row = row.unwrap();
        for (head, cell) in heads.iter().zip(&row) {
            assert!(!cell.trim_start().starts_with(['=', '+', '@']), "{head}: {cell}");
            assert!(!cell.starts_with('-') || cell.parse::<f64>().is_ok(), "{head}: {cell}");
            assert!(!cell.contains(['\r', '\n', '\u{1b}', '\u{202e}']), "{head}: {cell}");
        }
        for head in ["value", "low", "high", "bound", "start_s", "p95_ms", "failed_percent", "samples"] {
            let cell = &row[at(head)];
            assert!(cell.is_empty() || cell.parse::<f64>().unwrap().is_finite(), "{head}: {cell}");
            numbers += usize::from(!cell.is_empty());
        }
        count += 1;
    }
    let steps: usize = report.windows.iter().map(|window| window.told_steps().count()).sum();
    assert!(count >= report.expectations.len() + steps && numbers > count, "{count} rows, {numbers} numbers");
}

#[test]
fn nothing_from_outside_is_a_command_of_github() {
    let mut report = hostile();
    report.expectations.iter_mut().for_each(|own| own.outcome = Outcome::Failed);
    let told = text(Format::Github, &report);
    for line in told.lines() {
        let rest = line.strip_prefix("::error file=").or(line.strip_prefix("::warning file="));
        let rest = rest.unwrap_or_else(|| panic!("{line}"));
        let (properties, message) = rest.split_once("::").unwrap();
        assert!(properties.contains(",title=") && !message.is_empty(), "{line}");
        let names: Vec<&str> = properties.split(',').skip(1).map(|own| own.split_once('=').unwrap().0).collect();
        assert!(matches!(names.as_slice(), ["title"] | ["line", "title"]), "{line}");
    }
    // The verdict, and as many as GitHub shows besides.
    assert_eq!(told.lines().count(), 1 + report.expectations.len().min(9));
}

#[test]
fn outputs_go_where_they_are_told_and_standard_output_has_one() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let scenario = server.scenario("    hold 20/s for 1s", "    error_rate(main) < 1%\n    count(main) == 3");
    let all = ["junit=a.xml", "markdown=a.md", "csv=a.csv", "github=-", "html=a.html", "json=a.json"];
    let mut flags = vec!["--report-url", "https://ci.example/17"];
    all.iter().for_each(|out| flags.extend(["--out", out]));
    let ran = place.run(&scenario, &flags);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("::error file=") && ran.out.lines().all(|line| line.starts_with("::")), "{}", ran.out);
    assert!(ran.out.contains(",title=failed%3A count(main) == 3::"), "{}", ran.out);
    assert!(ran.err.contains("✘ failed") && ran.err.contains("recorded in"), "{}", ran.err);
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    is_junit(&read("a.xml"));
    assert!(
        read("a.md").starts_with("### ✘ failed: `test`")
            && read("a.md").contains("[full report](<https://ci.example/17>)")
    );
    assert!(read("a.csv").contains("error_rate(main) < 1%") && read("a.html").ends_with("</html>\n"));
    // The same of the record.
    let again = place.call(&["report", "last", "--out", "junit=-", "--report-url", "https://ci.example/17"]);
    assert_eq!((again.code, again.out.0), (1, read("a.xml")));
    assert!(again.err.contains("✘ failed"), "{}", again.err);
    let quiet = place.call(&["report", "last", "--out", "csv=-", "--quiet"]);
    assert_eq!((quiet.out.0, quiet.err), (read("a.csv"), String::new()));
    for command in [&["report", "last"][..], &["run", "none.stress"]] {
        let ran = place.call(&[command, &["--out", "csv=-", "--out", "json=-"]].concat());
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("`csv=-` and `json=-` go to one place"), "{}", ran.err);
    }
    assert!(
        place.call(&["report", "last", "--report-url", "ftp://x"]).err.contains("write it like `https://ci.example")
    );
}

#[test]
fn a_suite_is_told_to_machines_too() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    let one = |name: &str, expect: &str| {
        server
            .scenario("    hold 20/s for 500ms", &format!("    {expect}"))
            .replace("scenario test", &format!("scenario {name}"))
    };
    let (holds, fails) = (one("holds", "error_rate(main) < 50%"), one("fails", "count(main) == 3"));
    let suite = "suite both {\n  area all: holds, fails\n  ready when score >= 40% and passed(holds)\n}\n";
    place.write("both.stress", &format!("{holds}{fails}{suite}"));
    let outs = ["junit=a.xml", "markdown=a.md", "csv=a.csv", "github=-"];
    let mut call = vec!["run", "both.stress:both", "--no-progress", "--report-url", "https://ci.example/17"];
    outs.iter().for_each(|out| call.extend(["--out", out]));
    let ran = place.call(&call);
    assert!(ran.err.contains("score"), "{}{}", ran.out, ran.err);
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    is_junit(&read("a.xml"));
    assert!(
        read("a.xml").contains("name=\"fails\"") && read("a.xml").contains("<failure message="),
        "{}",
        read("a.xml")
    );
    let (links, plain, _) = shown(&read("a.md"));
    assert_eq!(links, ["https://ci.example/17"]);
    assert!(plain.contains("1 of 2"), "{plain}");
    assert_eq!(read("a.csv").lines().count(), 3);
    assert!(ran.out.lines().all(|line| line.starts_with("::")) && ran.out.contains("failed%3A fails"), "{}", ran.out);
}

/// A report on a terminal is also the log of a CI, which takes some lines for commands.
#[test]
fn nothing_from_outside_is_a_command_to_a_ci_or_steers_the_terminal() {
    let mut report = hostile();
    report.file = "\u{1b}[31mred\n::error::x.stress".to_owned();
    let told = report.examples.failed.iter_mut().chain(&mut report.examples.slowest);
    told.for_each(|told| {
        told.body = Some("::stop-commands::x ::error file=a::b ##[error]c ##vso[task.complete]d".to_owned());
    });
    for (width, colour) in [(100, false), (40, false), (100, true)] {
        let told = stressc::report::terminal(&report, width, colour);
        let is_command = |line: &str| {
            let start = line.trim_start().trim_start_matches("\u{1b}[2m").trim_start();
            start.starts_with("::") && start[2..].contains("::") || line.contains("##[") || line.contains("##vso[")
        };
        assert_eq!(told.lines().find(|line| is_command(line)), None, "{told}");
        assert!(told.contains("\\u{3a}:stop-commands") && told.contains("##\\u{5b}error]c"), "{told}");
        assert!(!told.contains("\u{1b}[31mred") && told.contains("\\u{1b}[31mred\\n"), "{told}");
    }
}

/// Somebody who reads no further is no reason to fail; a full disk would leave a CI with an empty report.
#[test]
fn what_cannot_be_written_to_standard_output_is_an_error_unless_its_reader_is_gone() {
    let place = Place::new();
    let record = crate::support::compile::root().join("tests/records/1/all");
    let (reader, gone) = std::io::pipe().unwrap();
    drop(reader);
    let ended = |arguments: &[&str], out: std::process::Stdio| {
        let mut command = place.command(arguments);
        command.stdout(out).stderr(std::process::Stdio::piped());
        let ran = command.spawn().unwrap().wait_with_output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let report = ["report", record.to_str().unwrap(), "--quiet", "--out", "junit=-"];
    let good = place.call(&report).code;
    assert_eq!(ended(&["explain", "E0101"], gone.try_clone().unwrap().into()).0, Some(0));
    assert_eq!(ended(&report, gone.into()).0, Some(good));
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    for arguments in [&report[..], &["explain", "E0101"]] {
        let (code, err) = ended(arguments, full.try_clone().unwrap().into());
        assert!(
            code == Some(3) && err.contains("the output cannot be written to standard output: "),
            "{code:?}: {err}"
        );
    }
}

//! Reports as pages, opened in a Chromium.

use crate::support::browser::{Browser, browser};
use crate::support::compile::root;
use crate::support::day::{Day, planned, scenario};
use crate::support::evil;
use crate::support::{Place, Server, wait_until};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stressc::judge::{Others, judge};
use stressc::measure::{Event, Stats};
use stressc::report::{Format, Report, report};

const SOON: Duration = Duration::from_secs(10);

/// The report of a record in `tests/records/1/`.
fn recorded(name: &str) -> Report {
    let (plan, stats) = stressc::store::read(&root().join("tests/records/1").join(name)).unwrap();
    let verdict = judge(&plan, &stats, &Others::default());
    report(&plan, &stats, &verdict)
}

fn written(place: &Place, name: &str, report: &Report) -> PathBuf {
    let path = place.path().join(name);
    std::fs::write(&path, Format::Html.write(report)).unwrap();
    path
}

/// Opens a page, which says nothing to the console and asks for nothing but itself.
fn opened(browser: &Browser, page: &Path) {
    browser.open(page);
    assert_eq!(browser.console(), [""; 0], "{}", page.display());
    let own = format!("file://{}", page.display());
    let asked: Vec<String> = browser.requests().into_iter().filter(|url| *url != own && url != "data:,").collect();
    assert_eq!(asked, [""; 0], "{}", page.display());
}

/// Rules of accessibility that can be checked without eyes: names of what can be used, heads of tables, headings in order, targets of
/// links, contrast of texts (WCAG 2.2, 1.4.3). What breaks one of them.
const RULES: &str = r#"
const wrong = [];
const say = (rule, element) => wrong.push(`${rule}: ${element.outerHTML.slice(0, 160)}`);
const name = (element) => (element.getAttribute("aria-label") || element.textContent || "").trim();
if (!document.documentElement.lang) wrong.push("no language");
if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
for (const element of document.querySelectorAll("a, button, summary, [role=img], [role=region], [role=group], select")) {
  if (!name(element)) say("no name", element);
}
for (const box of document.querySelectorAll("input")) if (!box.closest("label")) say("no label", box);
for (const table of document.querySelectorAll("table")) {
  if (!table.caption) say("no caption", table);
  for (const head of table.querySelectorAll("th")) if (!head.scope) say("no scope", head);
  for (const row of table.querySelectorAll("tbody tr")) if (!row.querySelector("th")) say("no head of a row", row);
}
for (const chart of document.querySelectorAll("canvas")) if (!chart.closest("[role=img][aria-label]")) say("no text for a chart", chart);
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) say("a level is left out", heading);
  level = own;
}
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) wrong.push(`twice the id ${id}`);
for (const link of document.querySelectorAll("a[href^='#']")) if (!document.getElementById(link.hash.slice(1))) say("leads nowhere", link);
const colour = (text) => (text.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
const light = ([r, g, b]) => {
  const part = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const own = colour(getComputedStyle(at).backgroundColor);
    if (own.length < 4 || own[3] > 0) return own;
  }
  return [255, 255, 255];
};
const seen = new Set();
for (const element of document.querySelectorAll("body *")) {
  const has_text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!has_text || element.closest("script, style, noscript") || !element.getClientRects().length) continue;
  const [text, ground] = [colour(getComputedStyle(element).color), behind(element)];
  const [a, b] = [light(text), light(ground)].sort((a, b) => b - a);
  const key = `${text} on ${ground}`;
  if ((a + 0.05) / (b + 0.05) < 4.5 && !seen.has(key)) { seen.add(key); say(`contrast of ${key}`, element); }
}
return wrong;
"#;

/// axe-core 4.14.1, from its npm package as it is.
const AXE: &str = include_str!("support/axe/axe.min.js");
/// What it finds: the rule, how serious it is, and where.
const FOUND: &str = r#"
const done = arguments[arguments.length - 1];
const told = ({ id, impact, nodes }) => `${id} (${impact}): ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`;
axe.run(document, { resultTypes: ["violations"] })
  .then(({ violations }) => done(violations.map(told)), (error) => done([String(error)]));
"#;

fn keeps_the_rules(browser: &Browser, what: &str) {
    for scheme in ["light", "dark"] {
        browser.prefers(scheme);
        assert_eq!(browser.script(RULES), json!([]), "{what}, {scheme}");
        assert_eq!(browser.script_later(&format!("{AXE}\n{FOUND}")), json!([]), "{what}, {scheme}");
    }
    browser.prefers("light");
}

fn fits(browser: &Browser, what: &str) {
    browser.is_as_wide_as(390);
    let widest = "return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > 391 && !e.closest('.scroll, nav')).slice(0, 3).map((e) => e.outerHTML.slice(0, 200))";
    // The charts follow in the next frame.
    wait_until(&format!("{what} is no wider than the window, {}", browser.script(widest)), SOON, || {
        browser.script("return document.documentElement.scrollWidth").as_u64().unwrap() <= 390
    });
    browser.is_as_wide_as(1280);
}

#[test]
fn a_report_is_a_page_that_can_be_zoomed_read_and_used_without_a_mouse() {
    let Some(browser) = browser() else { return };
    let place = Place::new();
    for name in ["all", "ends", "aborts"] {
        opened(&browser, &written(&place, &format!("{name}.html"), &recorded(name)));
        keeps_the_rules(&browser, name);
        fits(&browser, name);
        assert_eq!(browser.console(), [""; 0], "{name}");
    }
    browser.open(&place.path().join("all.html"));
    // The verdict comes first, then the timeline, then what was expected.
    let order = browser
        .text("return [...document.querySelectorAll('.verdict, section')].map((e) => e.id || e.className).join(' ')");
    assert!(order.starts_with("verdict bad timeline expected injected failures"), "{order}");
    // From an expectation to its window.
    let zoom = || browser.text("return document.documentElement.dataset.zoom");
    let whole = zoom();
    let ranges = browser.text(
        "const link = document.querySelector('.expectations a[data-ranges]'); link.click(); return link.dataset.ranges",
    );
    let ends = |text: &str| -> (f64, f64) {
        let numbers: Vec<f64> = text.split([' ', '–']).map(|number| number.parse().unwrap()).collect();
        (numbers[0], numbers[numbers.len() - 1])
    };
    let ((from, to), (first, last), all) = (ends(&ranges), ends(&zoom()), ends(&whole));
    assert!(
        first <= from + 0.01 && to.min(all.1) <= last + 0.01 && last - first <= (to - from) * 1.25,
        "{ranges} in {}",
        zoom()
    );
    assert_eq!(browser.text("return location.hash"), "#timeline");
    // By the mouse: a drag zooms all charts, and a double click ends that.
    browser.presses("\u{e00c}");
    assert_eq!(zoom(), whole);
    let place_of = |share: f64| {
        let place = browser.script(
            "const chart = document.querySelector('.u-over'); chart.scrollIntoView({ block: 'center' }); const box = chart.getBoundingClientRect();\
             return [box.left, box.width, box.top + box.height / 2]",
        );
        let number = |at: usize| place[at].as_f64().unwrap();
        (number(0) + number(1) * share, number(2))
    };
    browser.drags(&[place_of(0.25), place_of(0.4), place_of(0.75)]);
    let (first, last) = ends(&zoom());
    let near = |value: f64, wanted: f64| (value - wanted).abs() < all.1 * 0.03;
    assert!(near(first, all.1 * 0.25) && near(last, all.1 * 0.75), "{} of {whole}", zoom());
    browser.clicks_twice(place_of(0.5));
    wait_until("a double click shows the whole run", SOON, || zoom() == whole);
    // By keys: the cursor, its values and where it is.
    browser.script("document.getElementById('charts').focus()");
    browser.presses("\u{e00c}");
    assert_eq!(zoom(), whole);
    browser.presses("\u{e011}");
    browser.presses("\u{e014}");
    let (told, values) = (
        browser.text("return document.getElementById('at').textContent"),
        browser.text("return document.querySelector('.legend output').textContent"),
    );
    assert!(told.starts_with("at 1s") && !values.is_empty(), "{told}, {values}");
    browser.presses("+");
    let (first, last) = ends(&zoom());
    assert!(last - first < all.1 * 0.6, "{}", zoom());
    // The scheme changes what is drawn too.
    // From a copy, since a browser complains of a chart that is read again and again.
    let pixel = "const c = document.querySelector('canvas'); const copy = document.createElement('canvas');\
                 copy.width = c.width; copy.height = c.height; const own = copy.getContext('2d', { willReadFrequently: true });\
                 own.drawImage(c, 0, 0); const data = own.getImageData(0, 0, c.width, c.height).data;\
                 let sum = 0; for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) sum += data[i]; return sum";
    let light = browser.script(pixel);
    browser.prefers("dark");
    wait_until("the charts are dark", SOON, || browser.script(pixel) != light);
    let ground = browser.text("return getComputedStyle(document.body).backgroundColor");
    assert_eq!(ground, "rgb(13, 17, 23)");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn nothing_that_came_from_outside_runs_in_a_page() {
    let Some(browser) = browser() else { return };
    let mut report = recorded("all");
    evil::fill(&mut report);
    let place = Place::new();
    let page = written(&place, "evil.html", &report);
    // The policy of the page would refuse what runs and say so in the console, which stays empty: nothing of it was even code.
    opened(&browser, &page);
    browser.script("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
    browser.script("document.querySelectorAll('a, button, input').forEach((element) => element.focus())");
    assert_eq!(browser.script("return window.ran === undefined"), true, "{}", browser.script("return window.ran"));
    let counted = "return [document.scripts.length, document.querySelectorAll('img, body svg:not(.legend svg), [onfocus], [onload], [onerror]').length]";
    assert_eq!(browser.script(counted), json!([3, 0]));
    let title = browser.text("return document.title");
    assert!(title.contains("scenario</title></script><script>window.ran"), "{title}");
    let links = browser.script("return [...document.links].filter((link) => !link.hash || link.protocol !== 'file:').map((link) => link.protocol + link.hostname)");
    let links = links.as_array().unwrap();
    assert!(!links.is_empty() && links.iter().all(|link| link == "https:traces.example"), "{links:?}");
    fits(&browser, "a page with long names");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn an_hour_of_fifty_series_is_a_small_page_that_is_ready_at_once() {
    const HOUR: u64 = 3600;
    let plan = planned(&scenario(5, 10, "    hold 10/s for 1h", "  expect p95(l0) < 1s"));
    assert_eq!(plan.series.iter().filter(|series| series.is_request()).count(), 50);
    let mut day = Day::new(&plan, 2, 7);
    let mut stats = Stats::new(&plan);
    for second in 0..HOUR {
        day.events(second).into_iter().for_each(|event| stats.take(event));
    }
    stats.take(Event::Ended { at: HOUR * 1_000_000_000 });
    let verdict = judge(&plan, &stats, &Others::default());
    let report = report(&plan, &stats, &verdict);
    let page = Format::Html.write(&report);
    assert!(page.len() < 5 << 20, "{} bytes", page.len());
    let Some(browser) = browser() else { return };
    let place = Place::new();
    let path = place.path().join("hour.html");
    std::fs::write(&path, page).unwrap();
    // Other tests keep the processor busy: the quickest of some times counts.
    let mut times = Vec::new();
    for _ in 0..40 {
        opened(&browser, &path);
        times.push(browser.text("return document.documentElement.dataset.ready").parse::<u64>().unwrap());
        if times.iter().any(|time| *time < 500) {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("ready after {times:?} ms");
}

#[test]
fn an_expectation_shows_what_earlier_runs_measured() {
    let Some(browser) = browser() else { return };
    let server = Server::start(Duration::ZERO);
    let place = Place::new();
    place.write(
        "test.stress",
        &server.scenario("    hold 20/s for 500ms", "    count(main) > 1\n    error_rate(main) < 50%"),
    );
    let ran = place.call(&["run", "test.stress", "--no-progress"]);
    let own = place.runs().remove(0);
    let result: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(own.join("run.json")).unwrap_or(ran.err)).unwrap();
    // Five runs of the day before, one of another plan, one that is not trusted, and one of the day after.
    for number in 1..=8_u64 {
        let mut earlier = result.clone();
        let day = if number == 8 { "2999-01-01" } else { "2020-01-01" };
        let id = format!("{}T0000{number:02}Z-test-0000", day.replace('-', ""));
        earlier["id"] = id.as_str().into();
        earlier["started"] = format!("{day}T00:00:{number:02}Z").into();
        earlier["trust"]["state"] = if number == 7 { "untrusted" } else { "trusted" }.into();
        earlier["expectations"][0]["numbers"]["value"]["number"] = (number * 10).into();
        if number == 6 {
            earlier["plan_sha256"] = "another".into();
        }
        let directory = place.path().join(".stress/runs").join(&id);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("run.json"), earlier.to_string()).unwrap();
    }
    place.call(&["history"]);
    let page = place.path().join("page.html");
    let told = place.call(&["report", own.to_str().unwrap(), "--out", "html=page.html"]);
    assert!(page.is_file(), "{}", told.err);
    opened(&browser, &page);
    keeps_the_rules(&browser, "a page with earlier runs");
    let lines =
        browser.text("return [...document.querySelectorAll('.sparkline title')].map((e) => e.textContent).join('|')");
    assert!(lines.starts_with("5 runs before: 10 to 50, the last 50|5 runs before: "), "{lines}");
    let told = place.call(&["report", own.to_str().unwrap(), "--out", "json=report.json"]);
    let text = std::fs::read_to_string(place.path().join("report.json")).unwrap_or(told.err);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let values: Vec<f64> = report["expectations"][0]["history"]
        .as_array()
        .map_or_else(Vec::new, |all| all.iter().filter_map(|one| one["value"].as_f64()).collect());
    assert_eq!(values, [10.0, 20.0, 30.0, 40.0, 50.0], "{text}");
}

#[test]
fn a_suite_is_a_page_of_its_scenarios() {
    let Some(browser) = browser() else { return };
    let server = Server::start(Duration::ZERO);
    let place = Place::new();
    let one = server.scenario("    hold 20/s for 500ms", "    error_rate(main) < 50%");
    let two = one.replace("scenario test", "scenario other").replace("error_rate(main) < 50%", "p50(main) < 1us");
    let text =
        format!("{one}{two}suite both {{\n  area all: test, other\n  ready when score >= 40% and passed(test)\n}}\n");
    place.write("both.stress", &text);
    let ran = place.call(&["run", "both.stress:both", "--no-progress", "--out", "html=suite.html"]);
    let page = place.path().join("suite.html");
    assert!(page.is_file(), "{}{}", ran.out, ran.err);
    opened(&browser, &page);
    keeps_the_rules(&browser, "a suite");
    fits(&browser, "a suite");
    let told = browser.text("return document.body.innerText");
    // A busy machine may make one of them untrusted, which is told as well.
    for part in ["score", "of 2 scenarios", "p50(main) < 1us", "passed(test)"] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let links = "return [...document.querySelectorAll('a[href^=\"#of-\"]')].map((link) => link.textContent).join(' ')";
    assert!(browser.text(links).contains("other"), "{told}");
}

#[test]
fn the_text_that_was_run_leads_to_its_verdicts_and_two_runs_have_a_page() {
    let Some(browser) = browser() else { return };
    let server = Server::start(Duration::ZERO);
    let place = Place::new();
    let text = server.scenario("    hold 20/s for 500ms", "    error_rate(main) < 50%\n    p50(main) < 1us");
    let key = "{\n  let key = secret(\"KEY\", default: \"hunter2-of-the-file\") // hunter2-of-the-file\n";
    let text = text.replacen("{\n", key, 1);
    let text = text.replace("as home", "as home {\n      headers: { \"K\": key }\n    }");
    let ran = place.run(&text, &["--out", "html=page.html"]);
    let page = place.path().join("page.html");
    assert!(page.is_file(), "{}{}", ran.out, ran.err);
    opened(&browser, &page);
    keeps_the_rules(&browser, "a page with its source");
    fits(&browser, "a page with its source");
    let judged = browser.script(
        "return [...document.querySelectorAll('.source li.bad, .source li.unsure')].map((line) => [line.id, line.querySelector('code').textContent.trim(), \
         line.querySelector('a').hash])",
    );
    let line = 1 + text.lines().position(|line| line.contains("p50(main) < 1us")).unwrap();
    assert_eq!(judged, json!([[format!("line-{line}"), "p50(main) < 1us", "#expect-1"]]), "{}{}", ran.out, ran.err);
    let back = browser.text("return document.querySelector('#expect-1 a[href^=\"#line-\"]').hash");
    assert_eq!(back, format!("#line-{line}"));
    for entry in std::fs::read_dir(&place.runs()[0]).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{}", entry.path().display());
    }
    // A record without the text is rendered without it.
    std::fs::remove_file(place.runs()[0].join("scenario.txt")).unwrap();
    let old = place.call(&["report", "last", "--out", "html=-", "--quiet"]);
    assert!(old.out.ends_with("</html>\n") && !old.out.contains("id=\"line-"), "{}", old.err);

    place.run(&text, &[]);
    let ids: Vec<String> =
        place.runs().iter().map(|run| run.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let ran = place.call(&["compare", &ids[0], &ids[1], "--out", "html=sides.html"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    opened(&browser, &place.path().join("sides.html"));
    keeps_the_rules(&browser, "two runs");
    fits(&browser, "two runs");
    let told = browser.text("return document.body.innerText");
    assert!(told.contains(&ids[0]) && told.contains("p50(main"), "{told}");
}

#[test]
fn a_trace_is_linked_by_an_address_with_its_id() {
    let server = Server::start(Duration::ZERO);
    let place = Place::new();
    let text = server.scenario("    hold 20/s for 500ms", "    p50(main) < 1us");
    let ran =
        place.run(&text, &["--out", "html=page.html", "--trace-url", "https://traces.example/t/{trace_id}?a=1&b=2"]);
    let page = std::fs::read_to_string(place.path().join("page.html")).unwrap();
    let trace = ran.result["examples"]["slowest"][0]["traceparent"].as_str().unwrap().split('-').nth(1).unwrap();
    let link = format!("href=\"https://traces.example/t/{trace}?a=1&amp;b=2\"");
    assert!(page.contains(&link), "{link}");
    let again = place.call(&["report", "last", "--out", "html=-"]);
    assert!(
        again.out.contains("traceparent") && !again.out.contains("traces.example/t"),
        "it is no part of the record"
    );
    for wrong in ["javascript:alert(1)//{trace_id}", "https://traces.example", "traces.example/{trace_id}"] {
        let ran = place.call(&["report", "last", "--out", "html=x.html", "--trace-url", wrong]);
        assert!(
            ran.code == 2 && ran.err.contains("write it like `https://traces.example/trace/{trace_id}`"),
            "{}",
            ran.err
        );
    }
}

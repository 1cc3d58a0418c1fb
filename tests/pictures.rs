//! Takes the pictures of reports in `tests/pictures`: runs the scenarios there, opens their pages in a Chromium, wide and narrow, light and dark.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a program of the developers, which fails where it stands"
)]
#![allow(dead_code, reason = "it uses a part of what tests share")]

mod support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::browser::{Browser, browser};
use support::compile::root;
use support::{Place, signal, wait_until};

const FILE: &str = "tests/pictures/shop.stress";
const RUNS: [&str; 6] = ["passed", "failed", "chaos", "sweep", "inconclusive", "untrusted"];
/// Columns of both windows.
const WIDTHS: [(&str, u64); 2] = [("wide", 1280), ("narrow", 390)];
/// What is below is not in the picture.
const TALLEST: u64 = 3200;
/// In percent.
const QUALITY: u64 = 60;

fn main() {
    let browser = browser().expect("Chromium and chromedriver take the pictures");
    let place = Place::new();
    std::fs::copy(root().join(FILE), place.path().join("shop.stress")).unwrap();
    for name in RUNS {
        page(&place, name, &["run", &format!("shop.stress:{name}"), "--no-progress"]);
    }
    page(&place, "suite", &["run", "shop.stress:all", "--no-progress"]);
    killed(&place);
    for name in RUNS.into_iter().chain(["suite", "killed"]) {
        take(&browser, &place.path().join(format!("{name}.html")), name);
    }
}

fn page(place: &Place, name: &str, command: &[&str]) {
    let out = format!("html={name}.html");
    let ran = place.call(&[command, &["--out", &out]].concat());
    eprintln!("{name}: exit code {}\n{}", ran.code, ran.err);
    assert!(place.path().join(format!("{name}.html")).is_file(), "{name} has a page");
}

/// A run that is killed five seconds after it has begun.
fn killed(place: &Place) {
    let before: Vec<PathBuf> = place.runs();
    let mut run = place.spawn(&["run", "shop.stress:killed", "--no-progress"]);
    let own = || place.runs().into_iter().find(|run| !before.contains(run) && run.join("events.jsonl").is_file());
    wait_until("the run is recorded", Duration::from_secs(30), || own().is_some());
    std::thread::sleep(Duration::from_secs(10));
    signal(&run, "KILL");
    run.wait().unwrap();
    page(place, "killed", &["report", own().unwrap().to_str().unwrap()]);
}

fn take(browser: &Browser, page: &Path, name: &str) {
    for (width, columns) in WIDTHS {
        for scheme in ["light", "dark"] {
            browser.is_as_wide_as(columns);
            browser.prefers(scheme);
            browser.open(page);
            // The charts are there in the frame after the next.
            std::thread::sleep(Duration::from_millis(700));
            let tall = browser.script("return document.documentElement.scrollHeight").as_u64().unwrap().min(TALLEST);
            let clip = json!({ "x": 0, "y": 0, "width": columns, "height": tall, "scale": 1 });
            let asked = json!({ "format": "webp", "quality": QUALITY, "captureBeyondViewport": true, "clip": clip });
            let answer = browser.devtools("Page.captureScreenshot", &asked);
            let picture = BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
            std::fs::write(root().join(format!("tests/pictures/{name}-{width}-{scheme}.webp")), picture).unwrap();
        }
    }
}

//! The plan as it is drawn: golden pages and pictures in `tests/draw` (`BLESS=1` writes them), and what holds for the
//! drawing of every plan on a page of any width.

use crate::support::compile::{files, root};
use crate::support::machine::MACHINE;
use std::fmt::Write as _;
use std::path::Path;
use stressc::check::check;
use stressc::inputs::{Asked, load_text};
use stressc::plan::{Plan, Share, draw, plan};

fn plans(path: &Path) -> Vec<Plan> {
    let loaded = load_text(path, std::fs::read_to_string(path).unwrap(), &Asked::default()).unwrap();
    let (program, said) = check(&loaded.inputs, &loaded.sources);
    assert!(!loaded.diagnostics.has_errors() && !said.has_errors(), "{} does not check", path.display());
    let name = path.file_name().unwrap().to_string_lossy();
    program.scenarios.iter().map(|scenario| plan(scenario, &name, Share::WHOLE, MACHINE).0).collect()
}

fn golden() -> Vec<Plan> {
    files(&root().join("tests/draw"), "stress").iter().flat_map(|path| plans(path)).collect()
}

#[test]
fn pages_and_pictures_are_as_they_were_read() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    for plan in golden() {
        for (extension, drawn) in [("txt", draw::draw(&plan, 100)), ("svg", draw::svg(&plan))] {
            let path = root().join("tests/draw").join(&plan.file).with_extension(extension);
            if bless {
                std::fs::write(&path, &drawn).unwrap();
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_default();
            if expected != drawn {
                writeln!(wrong, "{}\n--- expected\n{expected}+++ drawn\n{drawn}", path.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Whether what opens is closed, in the right order, and text is escaped.
fn is_well_formed(svg: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some((text, tail)) = rest.split_once('<') {
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;"];
        if text.match_indices('&').any(|(at, _)| !entities.iter().any(|entity| text[at..].starts_with(entity))) {
            return false;
        }
        let Some((tag, tail)) = tail.split_once('>') else { return false };
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        match tag {
            _ if tag.starts_with('/') && open.pop() != Some(name) => return false,
            _ if tag.starts_with('/') || tag.ends_with('/') => {}
            _ => open.push(name),
        }
        rest = tail;
    }
    open.is_empty() && rest.trim().is_empty()
}

/// The numbers of an attribute, wherever it stands.
fn numbers<'a>(svg: &'a str, name: &str) -> impl Iterator<Item = f64> + 'a {
    let opening = format!(" {name}=\"");
    let found: Vec<f64> =
        svg.split(opening.as_str()).skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect();
    found.into_iter()
}

#[test]
fn every_plan_fits_on_its_page() {
    let mut wrong = String::new();
    let scenarios = files(&root().join("scenarios"), "stress");
    let all: Vec<Plan> = scenarios.iter().flat_map(|path| plans(path)).chain(golden()).collect();
    assert!(all.len() > 30, "only {} plans were drawn", all.len());
    for plan in &all {
        for width in [60, 80, 100, 120] {
            let page = draw::draw(plan, width);
            let picture =
                page.lines().skip_while(|line| !line.contains('┤')).take_while(|line| !line.contains("window"));
            let wide = picture.filter(|line| line.chars().count() > width).count();
            if wide > 0 {
                writeln!(wrong, "{}: {wide} lines are wider than {width}", plan.scenario).unwrap();
            }
        }
        let svg = draw::svg(plan);
        if !is_well_formed(&svg) {
            writeln!(wrong, "{}: the picture is not well formed", plan.scenario).unwrap();
        }
        let sides = ["x", "x1", "x2", "cx"].into_iter().flat_map(|name| numbers(&svg, name));
        let outside = sides.filter(|x| !(0.0..=960.0).contains(x)).count();
        let height = numbers(&svg, "height").next().unwrap();
        let below = ["y", "y1", "y2", "cy"]
            .into_iter()
            .flat_map(|name| numbers(&svg, name))
            .filter(|y| !(0.0..=height).contains(y));
        let below = below.count();
        if outside + below > 0 {
            writeln!(wrong, "{}: {outside} parts lie beside the picture, {below} above or below", plan.scenario)
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn ill_formed_pictures_are_seen() {
    assert!(is_well_formed("<svg a=\"b\">\n<text>a &amp; b</text><line/></svg>\n"));
    for wrong in ["<svg>", "<svg></text>", "<svg>a & b</svg>", "<svg><text></svg></text>", "<svg></svg>x"] {
        assert!(!is_well_formed(wrong), "{wrong}");
    }
}

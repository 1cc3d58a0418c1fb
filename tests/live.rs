//! What a person sees of a run that goes on, on terminals of several sizes and in a pipe.
#![cfg(unix)]

use crate::support::{Place, Server};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

/// Runs three seconds of load with a terminal for what is not the report, and gives every byte that it was sent.
fn drawn(rows: u16, columns: u16, flags: &[&str], variables: &[(&str, &str)]) -> String {
    drawn_of("test.stress", rows, columns, flags, variables)
}

fn drawn_of(what: &str, rows: u16, columns: u16, flags: &[&str], variables: &[(&str, &str)]) -> String {
    let place = Place::new();
    let server = Server::start(Duration::from_millis(2));
    let text =
        server.scenario("    hold 20/s for 1s as first\n    hold 40/s for 2s as second", "    error_rate(main) < 1%");
    place.write("test.stress", &format!("{text}suite both {{\n  area all: test\n}}\n"));
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    tcsetwinsize(&ours, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let mut command = place.command(&["run", what]);
    command.args(flags).env("TERM", "xterm").envs(variables.iter().copied());
    let mut child = command.stdout(Stdio::null()).stderr(theirs).spawn().unwrap();
    drop(command);
    let mut seen = Vec::new();
    // The end of a terminal that nobody holds open any more is an error.
    let _ = std::fs::File::from(ours).read_to_end(&mut seen);
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 5)));
    String::from_utf8(seen).unwrap()
}

/// What stands on a terminal after each time that something was drawn: it goes up, wipes what is below, and writes.
fn screens(text: &str) -> Vec<Vec<String>> {
    let (mut screens, mut screen, mut line) = (Vec::new(), Vec::<String>::new(), String::new());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\n' => screen.push(std::mem::take(&mut line)),
            '\r' => {}
            '\u{1b}' => {
                // `[`, numbers, and the letter that says what to do.
                let mut sequence = String::new();
                for c in rest.by_ref() {
                    sequence.push(c);
                    if c.is_ascii_alphabetic() {
                        break;
                    }
                }
                match sequence.chars().last() {
                    Some('A') => {
                        screens.push(screen.clone());
                        let up: usize = sequence[1..sequence.len() - 1].parse().unwrap();
                        screen.truncate(screen.len() - up);
                    }
                    Some('J' | 'm') => {}
                    other => panic!("{other:?} in {text:?}"),
                }
            }
            c => line.push(c),
        }
    }
    screens.push(screen);
    screens
}

#[test]
fn a_terminal_shows_the_run_and_is_left_as_it_was() {
    let text = drawn(24, 100, &[], &[]);
    let screens = screens(&text);
    assert!((3..6).contains(&screens.len()), "once a second: {screens:#?}");
    assert_eq!(screens.last().unwrap(), &Vec::<String>::new(), "{text:?}");
    let second = screens.iter().find(|screen| screen.iter().any(|line| line.contains("second 40/s, 1s left"))).unwrap();
    assert_eq!(second.len(), 4, "{second:#?}");
    assert!(second[0].starts_with("test  2s of 3s  1s left"), "{second:#?}");
    assert!(second[1].starts_with("main       ▄") && second[1].contains("█┃█"), "{second:#?}");
    assert!(second[1].ends_with("second 40/s, 1s left"), "{second:#?}");
    assert!(second[2].contains("/s  iterations ") && second[2].ends_with("dropped 0"), "{second:#?}");
    assert!(["p50 ", "p95 ", "p99 "].iter().all(|part| second[3].contains(part)), "{second:#?}");
    assert!(text.contains("\u{1b}[2m"), "some of it is dim");
}

#[test]
fn of_a_suite_a_line_says_which_of_how_many() {
    let text = drawn_of("test.stress:both", 24, 100, &[], &[]);
    assert!(text.contains("both: 1 of 1 scenarios, 3s of load"), "{text:?}");
    let screens = screens(&text);
    let second = screens.iter().find(|screen| screen.iter().any(|line| line.contains("second 40/s, 1s left"))).unwrap();
    let first = second.iter().position(|line| line == "1 of 1  test").unwrap_or_else(|| panic!("{second:#?}"));
    assert!(second[first + 1].starts_with("test  2s of 3s  1s left"), "{second:#?}");
}

#[test]
fn little_is_shown_where_little_fits() {
    for (rows, columns, lines) in [(8, 100, 2), (24, 50, 2), (3, 30, 1)] {
        let screens = screens(&drawn(rows, columns, &[], &[]));
        let fits = |line: &String| line.chars().count() < usize::from(columns);
        assert!(screens[..3].iter().all(|screen| screen.len() == lines && screen.iter().all(fits)), "{screens:#?}");
        assert!(screens.iter().flatten().any(|line| line.starts_with("2s/3s second")), "{screens:#?}");
        assert!(screens.last().unwrap().is_empty(), "{screens:#?}");
    }
}

#[test]
fn colours_cursor_and_progress_are_left_out_where_they_are_not_wanted() {
    assert!(!drawn(24, 100, &[], &[("NO_COLOR", "1")]).contains("\u{1b}[2m"));
    let plain = drawn(24, 100, &[], &[("TERM", "dumb")]);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert_eq!(drawn(24, 100, &["--no-progress"], &[]), "");
    assert_eq!(drawn(24, 100, &["--quiet"], &[]), "");
}

#[test]
fn a_pipe_gets_a_line_now_and_then() {
    let place = Place::new();
    let server = Server::start(Duration::ZERO);
    place.write("test.stress", &server.scenario("    hold 20/s for 6s as steady", "    error_rate(main) < 1%"));
    let ran = place.call(&["run", "test.stress"]);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert!(matches!(lines[..], [line] if line.starts_with("5s/6s steady  20 requests/s  p50 ")), "{}", ran.err);
    assert!(lines[0].contains("failed 0%  iterations under way ") && !ran.err.contains('\u{1b}'), "{}", ran.err);
}

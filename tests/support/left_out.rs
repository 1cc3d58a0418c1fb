//! What a test says that cannot be made on this machine, so that it is counted as skipped.

use std::fs::OpenOptions;
use std::io::Write;

/// Names the test and why it is left out: to whoever looks at its output, and to `tests/run`, which counts it.
pub fn left_out(why: &str) {
    let thread = std::thread::current();
    // The name of a test holds `::`, which separates nothing in a list of lines.
    let test = thread.name().unwrap_or("a test").replace("::", ".");
    let line = format!("{test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    let Some(list) = std::env::var_os("STRESSC_LEFT_OUT") else { return };
    let mut list = OpenOptions::new().append(true).create(true).open(list).expect("tests/run has made the list");
    list.write_all(line.as_bytes()).expect("tests/run reads the list");
}

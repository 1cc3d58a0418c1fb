//! Writing to the terminal. A reader that has gone away is no reason to fail.

use super::args::Colour;
use crate::base::shown::{escaped, without_commands};
use crate::report::{Comparison, Format, Report, SuiteReport};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

#[derive(Clone)]
pub struct Terminal {
    colour: Colour,
    /// Why results could not be written, the first time.
    lost: Arc<OnceLock<String>>,
}

impl Terminal {
    pub fn new(colour: Colour) -> Terminal {
        Terminal { colour, lost: Arc::default() }
    }

    fn coloured(&self, terminal: bool) -> bool {
        match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    pub fn out_coloured(&self) -> bool {
        self.coloured(std::io::stdout().is_terminal())
    }

    pub fn err_coloured(&self) -> bool {
        self.coloured(std::io::stderr().is_terminal())
    }

    /// Results.
    pub fn out(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(self.lost.set(error.to_string())),
            Ok(()) | Err(_) => {}
        }
    }

    /// The exit code of a command, whose results somebody may have been waiting for.
    pub fn ended(&self, code: u8) -> u8 {
        match self.lost.get() {
            None => code,
            Some(why) => {
                self.error(&format!("the output cannot be written to standard output: {why}"));
                super::COULD_NOT_RUN
            }
        }
    }

    /// Diagnostics and progress. They quote what others say, and are nothing that a CI acts on.
    pub fn err(&self, text: &str) {
        let text = without_commands(text);
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }

    /// A report for a person, which makes room where another output has standard output to itself.
    pub fn report(&self, aside: bool, text: &dyn Fn(bool, usize) -> String) {
        match aside {
            true => self.err(&text(self.err_coloured(), err_width())),
            false => self.out(&text(self.out_coloured(), width())),
        }
    }

    /// One sentence about what went wrong.
    pub fn error(&self, message: &str) {
        let word = if self.err_coloured() { "\u{1b}[31merror\u{1b}[0m" } else { "error" };
        self.err(&format!("{word}: {}\n", escaped(message)));
    }
}

/// Columns of the terminal that shows results.
pub fn width() -> usize {
    columns(io::stdout())
}

/// Columns of the terminal that shows diagnostics.
pub fn err_width() -> usize {
    columns(io::stderr())
}

/// Columns and rows of the terminal that shows diagnostics.
pub fn err_size() -> (usize, usize) {
    (columns(io::stderr()), rows(io::stderr()))
}

/// What reads well in a file.
const COLUMNS: usize = 100;

#[cfg(unix)]
fn columns(terminal: impl std::os::fd::AsFd) -> usize {
    match rustix::termios::tcgetwinsize(terminal) {
        Ok(size) if size.ws_col > 0 => size.ws_col as usize,
        _ => COLUMNS,
    }
}

#[cfg(not(unix))]
fn columns<T>(_: T) -> usize {
    COLUMNS
}

/// What a terminal has that does not say.
const ROWS: usize = 24;

#[cfg(unix)]
fn rows(terminal: impl std::os::fd::AsFd) -> usize {
    match rustix::termios::tcgetwinsize(terminal) {
        Ok(size) if size.ws_row > 0 => size.ws_row as usize,
        _ => ROWS,
    }
}

#[cfg(not(unix))]
fn rows<T>(_: T) -> usize {
    ROWS
}

/// Whether a format has standard output to itself.
pub fn is_taken(formats: &[(Format, PathBuf)]) -> bool {
    formats.iter().any(|(_, path)| path.as_os_str() == "-")
}

/// Two outputs in one place would make a file of neither format. `Err` is the exit code.
pub fn apart(formats: &[(Format, PathBuf)], terminal: &Terminal) -> Result<(), u8> {
    for (index, (second, path)) in formats.iter().enumerate() {
        let Some((first, _)) = formats[..index].iter().find(|(_, other)| other == path) else { continue };
        let (first, second, path) = (first.name(), second.name(), path.display());
        terminal
            .error(&format!("`{first}={path}` and `{second}={path}` go to one place; name another for one of them"));
        return Err(super::DOES_NOT_CHECK);
    }
    Ok(())
}

/// Writes a report to each place in its format. The others are written too where one cannot be.
pub fn write(formats: &[(Format, PathBuf)], report: &Report, terminal: &Terminal) -> Result<(), String> {
    written(formats, &|format| format.write(report), terminal)
}

/// The same of a suite.
pub fn write_suite(formats: &[(Format, PathBuf)], report: &SuiteReport, terminal: &Terminal) -> Result<(), String> {
    written(formats, &|format| format.write_suite(report), terminal)
}

/// The same of two runs side by side.
pub fn write_comparison(formats: &[(Format, PathBuf)], own: &Comparison, terminal: &Terminal) -> Result<(), String> {
    let bytes = |format: Format| format.of_comparison().map(|write| write(own)).unwrap_or_default();
    written(formats, &bytes, terminal)
}

fn written(
    formats: &[(Format, PathBuf)],
    bytes: &dyn Fn(Format) -> Vec<u8>,
    terminal: &Terminal,
) -> Result<(), String> {
    let mut first = Ok(());
    for (format, path) in formats {
        let bytes = bytes(*format);
        if path.as_os_str() == "-" {
            terminal.out(&String::from_utf8_lossy(&bytes));
        } else {
            first = first.and(super::results::write(path, &bytes));
        }
    }
    first
}

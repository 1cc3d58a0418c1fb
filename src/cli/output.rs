//! Writing to the terminal. A reader that has gone away is no reason to fail.

use super::args::Colour;
use crate::base::shown::escaped;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

#[derive(Clone)]
pub struct Terminal {
    colour: Colour,
}

impl Terminal {
    pub fn new(colour: Colour) -> Terminal {
        Terminal { colour }
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
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    /// Diagnostics and progress.
    pub fn err(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
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

/// Puts a text in the place of a file, whole or not at all. A link stays, and what it leads to changes.
pub fn replace(path: &Path, text: &str) -> Result<(), String> {
    let unwritable = |error: io::Error| format!("`{}` cannot be written: {error}", path.display());
    let (target, permissions) = match fs::canonicalize(path) {
        Ok(target) => {
            let permissions = fs::metadata(&target).map_err(unwritable)?.permissions();
            (target, Some(permissions))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
        Err(error) => return Err(unwritable(error)),
    };
    // A rename would not ask.
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(format!("`{}` may not be written", path.display()));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = target.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = fs::File::create_new(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        file.sync_all()?;
        fs::rename(&beside, &target)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        unwritable(error)
    })
}

//! `stressc watch`: diagnostics or the new plan on every save.

use super::args::WatchArgs;
use super::output::{Terminal, width};
use super::source;
use crate::plan::draw;
use notify::{EventKind, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Editors write a file in several steps; one look after the last of them is enough.
const SETTLE: Duration = Duration::from_millis(100);

pub fn watch(args: &WatchArgs, terminal: &Terminal) -> u8 {
    let (file, _) = source::split(&args.file);
    let path = Path::new(file);
    // The directory is watched, because many editors put a new file in the place of the old one.
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (send, changes) = mpsc::channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && !matches!(event.kind, EventKind::Access(_))
        {
            let _ = send.send(event.paths);
        }
    });
    let started =
        watcher.and_then(|mut watcher| watcher.watch(directory, RecursiveMode::NonRecursive).map(|()| watcher));
    let _watcher = match started {
        Ok(watcher) => watcher,
        Err(error) => {
            terminal.error(&format!("`{}` cannot be watched: {error}", directory.display()));
            return super::COULD_NOT_RUN;
        }
    };
    look(&args.file, terminal);
    let name = path.file_name();
    while let Ok(paths) = changes.recv() {
        let mut ours = paths.iter().any(|p| p.file_name() == name);
        while let Ok(more) = changes.recv_timeout(SETTLE) {
            ours |= more.iter().any(|p| p.file_name() == name);
        }
        if ours {
            look(&args.file, terminal);
        }
    }
    super::OK
}

fn look(file: &str, terminal: &Terminal) {
    if terminal.out_coloured() {
        terminal.out("\u{1b}[2J\u{1b}[H");
    }
    if let Ok(plan) = source::plan(file, None, terminal) {
        terminal.out(&draw::draw(&plan, width()));
    }
}

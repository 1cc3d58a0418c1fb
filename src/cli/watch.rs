//! `stressc watch`: diagnostics or the new plan on every save, of the file or of anything that it rests on.

use super::args::WatchArgs;
use super::output::{Terminal, width};
use super::source::{self, Tells};
use crate::base::shown::escaped;
use crate::inputs::{Cached, Disk, Loaded};
use crate::plan::draw;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Editors write a file in several steps; one look after the last of them is enough.
const SETTLE: Duration = Duration::from_millis(100);

pub fn watch(args: &WatchArgs, terminal: &Terminal) -> u8 {
    // A file that goes away is waited for; one that was never there is a slip of the keyboard.
    if let Err(problem) = crate::inputs::read(&Disk, Path::new(source::split(&args.file).0), None) {
        terminal.error(&problem);
        return super::DOES_NOT_CHECK;
    }
    let (send, changes) = mpsc::channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && !matches!(event.kind, EventKind::Access(_))
        {
            let _ = send.send(event.paths);
        }
    });
    let mut watched = match watcher {
        Ok(watcher) => {
            Watched { files: Cached::over(Disk), watcher, directories: HashSet::new(), followed: HashSet::new() }
        }
        Err(error) => {
            terminal.error(&format!("files cannot be watched here: {error}"));
            return super::COULD_NOT_RUN;
        }
    };
    let (loaded, followed) = watched.load(args);
    if let Err(problem) = followed {
        terminal.error(&problem);
        return super::COULD_NOT_RUN;
    }
    show(args, loaded, terminal);
    while let Ok(paths) = changes.recv() {
        let mut ours = watched.concerns(&paths);
        while let Ok(more) = changes.recv_timeout(SETTLE) {
            ours |= watched.concerns(&more);
        }
        if !ours {
            continue;
        }
        let (loaded, followed) = watched.load(args);
        if let Err(problem) = followed {
            terminal.error(&problem);
        }
        show(args, loaded, terminal);
    }
    super::OK
}

/// Directories are watched, because many editors put a new file in the place of the old one.
struct Watched {
    /// Large data files are not read again with each change of a scenario.
    files: Cached<Disk>,
    watcher: RecommendedWatcher,
    directories: HashSet<PathBuf>,
    followed: HashSet<PathBuf>,
}

impl Watched {
    /// Reads the files. Each is watched before it is read, so no later save is missed.
    fn load(&mut self, args: &WatchArgs) -> (Result<Loaded, String>, Result<(), String>) {
        let file = Path::new(source::split(&args.file).0);
        loop {
            let loaded = crate::inputs::load_from(&self.files, file, &args.asked.asked());
            let alone = [file.to_path_buf()];
            match self.follow(loaded.as_ref().map_or(&alone, |loaded| &loaded.paths)) {
                Ok(true) => {}
                Ok(false) => return (loaded, Ok(())),
                Err(problem) => return (loaded, Err(problem)),
            }
        }
    }

    /// From now on these files, and those of before no more; whether there are new directories among theirs. A directory that is
    /// gone is looked for again with the next change of the rest.
    fn follow(&mut self, files: &[PathBuf]) -> Result<bool, String> {
        self.followed = files.iter().map(|file| placed(file)).collect();
        let wanted: HashSet<PathBuf> = self
            .followed
            .iter()
            .filter_map(|file| file.parent().map(Path::to_path_buf))
            .filter(|dir| dir.is_dir())
            .collect();
        for gone in self.directories.difference(&wanted) {
            let _ = self.watcher.unwatch(gone);
        }
        let found = wanted.difference(&self.directories).count() > 0;
        for new in wanted.difference(&self.directories) {
            self.watcher
                .watch(new, RecursiveMode::NonRecursive)
                .map_err(|error| format!("`{}` cannot be watched: {error}", new.display()))?;
        }
        self.directories = wanted;
        Ok(found)
    }

    fn concerns(&self, paths: &[PathBuf]) -> bool {
        paths.iter().any(|path| self.followed.contains(&placed(path)))
    }
}

/// A path by its directory as it really is: the file itself may be missing for a moment.
fn placed(path: &Path) -> PathBuf {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
    path.file_name().map_or(directory.clone(), |name| directory.join(name))
}

fn show(args: &WatchArgs, loaded: Result<Loaded, String>, terminal: &Terminal) {
    if terminal.out_coloured() {
        terminal.out("\u{1b}[2J\u{1b}[H");
    }
    if let Ok(planned) = source::planned(&args.file, loaded, None, Tells::AlsoNotRun, terminal) {
        terminal.out(&escaped(&draw::draw(&planned.plan, width())));
    }
}

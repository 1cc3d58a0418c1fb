//! Files as they were at a revision of a git repository. `git` is asked for what its objects hold and for nothing else: whose the
//! repository is nobody knows, so no hook, filter, pager, monitor or helper that it names is run, and nothing is fetched.

use super::file_system::{Disk, Files};
use super::overlay;
use super::root::{Contents, Opened, Refused, Root};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// What is set before every command, so that the configuration of the repository starts nothing.
const SAFE: [&str; 12] = [
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
    "-c",
    "safe.bareRepository=explicit",
];

/// A file that is larger is not read of a revision.
const LARGEST: u64 = 64 << 20;

/// A commit of the repository that a file lies in.
#[derive(Debug)]
pub struct Revision {
    top: PathBuf,
    commit: String,
    /// As it was asked for.
    name: String,
    /// Variables come from where they come from now.
    env_file: Option<PathBuf>,
}

/// What a path leads to at the revision.
struct TreeEntry {
    mode: String,
    kind: String,
    object: String,
    size: Option<u64>,
}

/// The commit of the repository that a file lies in; `None` if it lies in none, or git cannot say.
pub fn commit_of(file: &Path) -> Option<String> {
    let wanted = ["rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}"];
    let commit = git(directory_of(file), &wanted).ok()?.ok()?;
    Some(String::from_utf8_lossy(&commit).trim().to_owned())
}

fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Revision {
    pub fn of(name: &str, file: &Path, env_file: Option<&Path>) -> Result<Revision, String> {
        let found = git(directory_of(file), &["rev-parse", "--show-toplevel"])?;
        let top = found.map_err(|why| match why.contains("not a git repository") {
            true => format!("`{}` lies in no git repository, so there is no `{name}` of it", file.display()),
            false => format!("git does not say where the repository of `{}` is: {why}", file.display()),
        })?;
        let top = PathBuf::from(String::from_utf8_lossy(&top).trim_end_matches(['\r', '\n']));
        let top = top.canonicalize().map_err(|error| format!("`{}`: {error}", top.display()))?;
        let unknown = || format!("the repository `{}` has no commit `{name}`", top.display());
        if name.starts_with('-') || name.is_empty() {
            return Err(unknown());
        }
        let wanted = format!("{name}^{{commit}}");
        let commit = git(&top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        let commit = commit.map_err(|_| unknown())?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        Ok(Revision { top, commit, name: name.to_owned(), env_file: env_file.map(Path::to_owned) })
    }

    /// The commit in full.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// What lies at a path, none where nothing does.
    fn entry(&self, placed: &Path) -> Result<Option<TreeEntry>, String> {
        let Ok(inner) = placed.strip_prefix(&self.top) else {
            return Err(format!("`{}` lies outside of the repository `{}`", placed.display(), self.top.display()));
        };
        let Some(inner) = inner.to_str() else { return Ok(None) };
        let listed = git(&self.top, &["ls-tree", "-z", "-l", "--full-tree", &self.commit, "--", inner])?;
        let listed = listed.map_err(|why| format!("`{inner}` at `{}`: {why}", self.name))?;
        let text = String::from_utf8_lossy(&listed);
        let entry = text.split('\0').find_map(|entry| {
            let (facts, path) = entry.split_once('\t')?;
            let mut facts = facts.split_whitespace().map(str::to_owned);
            let (mode, kind, object) = (facts.next()?, facts.next()?, facts.next()?);
            let size = facts.next().and_then(|size| size.parse().ok());
            (path == inner).then_some(TreeEntry { mode, kind, object, size })
        });
        Ok(entry)
    }

    fn blob(&self, path: &Path) -> Result<Opened, String> {
        let placed = overlay::place(path);
        let shown = path.display();
        let entry = self.entry(&placed)?.ok_or_else(|| format!("there is no file `{shown}` at `{}`", self.name))?;
        match (entry.kind.as_str(), entry.mode.as_str()) {
            ("blob", "120000") => {
                return Err(format!("`{shown}` is a link at `{}`, and links are not followed there", self.name));
            }
            ("blob", _) => {}
            ("commit", _) => return Err(format!("`{shown}` is a submodule at `{}`", self.name)),
            _ => return Err(format!("`{shown}` is a directory at `{}`", self.name)),
        }
        if entry.size.is_some_and(|size| size > LARGEST) {
            return Err(format!("`{shown}` has more than 64 MiB at `{}`", self.name));
        }
        let bytes = git(&self.top, &["cat-file", "blob", &entry.object])?;
        let bytes = bytes.map_err(|why| format!("`{shown}` at `{}`: {why}", self.name))?;
        let file = Contents::Buffer(io::Cursor::new(Arc::from(bytes)));
        Ok(Opened { file, path: placed })
    }
}

impl Files for Revision {
    fn is_directory(&self, path: &Path) -> bool {
        let placed = overlay::place(path);
        placed == self.top || self.entry(&placed).is_ok_and(|entry| entry.is_some_and(|entry| entry.kind == "tree"))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        // A file is named, and names the others.
        Err(io::Error::other(format!("`{}` is not listed at a revision", directory.display())))
    }

    fn place(&self, path: &Path) -> PathBuf {
        overlay::place(path)
    }

    fn open_named(&self, path: &Path) -> Result<Opened, String> {
        match self.env_file.as_deref() == Some(path) {
            true => Disk.open_named(path),
            false => self.blob(path),
        }
    }

    fn open(&self, root: &Root, path: &Path, shown: &str) -> Result<Opened, Refused> {
        let opened = self.blob(path).map_err(Refused::Unreadable)?;
        root.inner(&opened.path, shown)?;
        Ok(opened)
    }
}

/// What a command of git wrote, or the first line of why it failed; `Err` where there is no git.
fn git(directory: &Path, arguments: &[&str]) -> Result<Result<Vec<u8>, String>, String> {
    let mut command = Command::new("git");
    command.args(SAFE).arg("-C").arg(directory).args(arguments).stdin(Stdio::null());
    // What is set for another repository, or starts something.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    let quiet =
        [("GIT_NO_LAZY_FETCH", "1"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_OPTIONAL_LOCKS", "0"), ("LC_ALL", "C")];
    let output = command.envs(quiet).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "`git` is not installed, which `--diff` asks for the file as it was".to_owned(),
        _ => format!("`git` cannot be started: {error}"),
    })?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed without a word");
    Ok(Err(first.trim_start_matches("fatal: ").to_owned()))
}

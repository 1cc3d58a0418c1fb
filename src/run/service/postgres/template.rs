//! A cluster that was made once for each version, and is copied for each run: `initdb` takes seconds, a copy a tenth of one.

use super::{Access, Binaries, Launch, OWNER, User, WHO_MAY, group};
use crate::guard::Undo;
use crate::run::guarded::Guarded;
use crate::run::service::ready::{self, Ready};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is made otherwise than before is not found under the old name.
const FORM: u32 = 1;

/// Makes the data directory of a cluster, from the template where there is one. `server` is how it will be started.
pub async fn copy_to(
    data: &Path,
    binaries: &Binaries,
    server: &Launch,
    access: &Access,
    guarded: &Guarded,
) -> Result<(), String> {
    let kept = kept(binaries);
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_dir()) {
        match copy(kept, data, server.user) {
            Ok(()) => return Ok(()),
            // Somebody may have removed a part of it.
            Err(_) => drop(std::fs::remove_dir_all(data)),
        }
    }
    make(data, binaries, server, access).await?;
    if let Some(kept) = kept {
        // Without it the next run takes longer, and nothing else.
        let new = beside(&kept);
        let begun = guarded.begin("a part of a template".to_owned(), Undo::Remove(new.clone()), None).await?;
        let _ = keep(data, &new, &kept);
        guarded.end(begun).await;
    }
    Ok(())
}

async fn make(data: &Path, binaries: &Binaries, server: &Launch, access: &Access) -> Result<(), String> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let mut initdb = server.clone();
    initdb.program = binaries.directory.join("initdb");
    let words = ["--username", OWNER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync", "-D"];
    initdb.arguments = words.map(str::to_owned).to_vec();
    initdb.arguments.push(data.display().to_string());
    initdb.stop = group::Stop::Terminate;
    group::done(&initdb).await?;
    std::fs::write(data.join("pg_hba.conf"), WHO_MAY).map_err(|error| format!("its pg_hba.conf: {error}"))?;
    // Roles and databases are made by the server itself, once.
    let mut first = group::start(server)?;
    let opened = tokio::select! {
        opened = ready::wait(Ready::Queries(access.clone()), PATIENCE) => opened,
        status = first.ended() => Err(format!("it ended at its first start: {status}")),
    };
    first.stop().await;
    opened.map_err(|problem| format!("{problem}\n{}", server.log.last_lines()))
}

/// Where the template of a version is kept: in the user's cache.
fn kept(binaries: &Binaries) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|cache| cache.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let version: String = binaries.version.chars().map(plain).collect();
    Some(cache.or_else(home)?.join("stressc").join(format!("{version}-{}-{FORM}", std::env::consts::ARCH)))
}

/// Where it is copied to first.
fn beside(kept: &Path) -> PathBuf {
    let name = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
    kept.with_file_name(format!(".{name}-{}", std::process::id()))
}

/// Puts a copy under its name in one step, so that of two runs at once each finds either nothing or a whole one.
fn keep(data: &Path, new: &Path, kept: &Path) -> io::Result<()> {
    std::fs::create_dir_all(kept.parent().unwrap_or(kept))?;
    let put = copy(data, new, None).and_then(|()| std::fs::rename(new, kept));
    if put.is_err() {
        let _ = std::fs::remove_dir_all(new);
    }
    put
}

/// A directory with all that is in it, of the given user and nobody else's.
fn copy(from: &Path, to: &Path, user: Option<User>) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(to)?;
    give(to, user)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let own = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &own, user)?;
        } else {
            std::fs::copy(entry.path(), &own)?;
            give(&own, user)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn give(path: &Path, user: Option<User>) -> io::Result<()> {
    user.map_or(Ok(()), |user| std::os::unix::fs::chown(path, Some(user.id), Some(user.group)))
}

#[cfg(not(unix))]
fn give(_: &Path, _: Option<User>) -> io::Result<()> {
    Ok(())
}

//! The users of this machine, as its user database names them (passwd(5)).

use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: u32,
    pub group: u32,
    pub home: PathBuf,
}

/// A user by name.
pub fn named(name: &str) -> Option<Entry> {
    find(&known(), |own, _| own == name.as_bytes())
}

/// A user by number.
pub fn numbered(id: u32) -> Option<Entry> {
    find(&known(), |_, user| user.id == id)
}

fn known() -> Vec<u8> {
    std::fs::read("/etc/passwd").unwrap_or_default()
}

/// The first one that is asked for. What is no line of a user, such as a comment or one of NIS, is passed over.
fn find(known: &[u8], is_it: impl Fn(&[u8], &Entry) -> bool) -> Option<Entry> {
    let mut lines = known.split(|byte| *byte == b'\n').filter_map(|line| {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        let number = |at: usize| std::str::from_utf8(fields.get(at)?).ok()?.parse().ok();
        Some((*fields.first()?, Entry { id: number(2)?, group: number(3)?, home: path(fields.get(5)?) }))
    });
    lines.find(|(name, user)| is_it(name, user)).map(|(_, user)| user)
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_among_lines_of_all_kinds() {
        let known =
            b"# users\n+@nis\nroot:x:0:0:root:/root:/bin/sh\n\xff:x:7:8:\xfe:/home/\xff:/bin/sh\nnow:x:x:1::/:\n";
        let of = |id: u32| find(known, |_, user| user.id == id);
        assert_eq!(of(0), Some(Entry { id: 0, group: 0, home: PathBuf::from("/root") }));
        assert_eq!(of(7).map(|user| (user.group, user.home)), Some((8, path(b"/home/\xff"))));
        assert_eq!(find(known, |name, _| name == b"now"), None);
    }
}

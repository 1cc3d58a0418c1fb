//! Texts that an editor holds and has not saved, before the files that they are of. What may be read is what may be read of the
//! disk, so that nothing is different once they are saved.

use super::file_system::Files;
use super::root::{Contents, Opened, Refused, Root};
use crate::check::inputs::{Content, FileKind};
use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Open buffers over other files.
#[derive(Debug, Default)]
pub struct Overlay<F> {
    below: F,
    /// By where their files lie or are going to lie.
    buffers: HashMap<PathBuf, Arc<[u8]>>,
}

impl<F: Files> Overlay<F> {
    pub fn over(below: F) -> Overlay<F> {
        Overlay { below, buffers: HashMap::new() }
    }

    /// From now on this is what stands in the file.
    pub fn put(&mut self, path: &Path, text: &str) {
        self.buffers.insert(place(path), Arc::from(text.as_bytes()));
    }

    /// From now on what stands in the file is what was saved.
    pub fn take(&mut self, path: &Path) {
        self.buffers.remove(&place(path));
    }

    pub fn below(&self) -> &F {
        &self.below
    }

    fn buffer(&self, path: &Path) -> Option<Opened> {
        let path = place(path);
        let bytes = Contents::Buffer(io::Cursor::new(self.buffers.get(&path)?.clone()));
        Some(Opened { file: bytes, path })
    }
}

impl<F: Files> Files for Overlay<F> {
    fn is_directory(&self, path: &Path) -> bool {
        self.below.is_directory(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        let mut found = self.below.list(directory)?;
        let own = place(directory);
        for name in self.buffers.keys().filter(|path| path.parent() == Some(&own)).filter_map(|path| path.file_name()) {
            let path = directory.join(name);
            if found.iter().all(|(known, _)| *known != path) {
                found.push((path, false));
            }
        }
        Ok(found)
    }

    fn place(&self, path: &Path) -> PathBuf {
        let placed = place(path);
        if self.buffers.contains_key(&placed) { placed } else { self.below.place(path) }
    }

    fn open_named(&self, path: &Path) -> Result<Opened, String> {
        self.buffer(path).map_or_else(|| self.below.open_named(path), Ok)
    }

    fn open(&self, root: &Root, path: &Path, shown: &str) -> Result<Opened, Refused> {
        let Some(opened) = self.buffer(path) else { return self.below.open(root, path, shown) };
        root.inner(&opened.path, shown)?;
        Ok(opened)
    }

    fn content(&self, opened: Opened, shown: &str, kind: FileKind) -> Result<Content, String> {
        match opened.file {
            Contents::Buffer(_) => super::load::content(opened, shown, kind),
            Contents::File(_) => self.below.content(opened, shown, kind),
        }
    }
}

/// Where a path leads to, without links as far as there is something, and from there on as it is written.
pub(super) fn place(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        let there = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        if let (Ok(found), Ok(rest)) = (there.canonicalize(), path.strip_prefix(above)) {
            // What leads up again from where nothing is leads nowhere.
            let goes_on = rest.components().all(|part| matches!(part, Component::Normal(_)));
            return match (goes_on, rest.as_os_str().is_empty()) {
                (true, true) => found,
                (true, false) => found.join(rest),
                (false, _) => path.to_owned(),
            };
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, Disk, load_from, scenario_files};
    use super::*;

    /// What is said of a file, each as its code and message.
    fn told(files: &impl Files, path: &Path) -> Vec<String> {
        let loaded = load_from(files, path, &Asked::default()).unwrap();
        let (_, wrong) = crate::check::check(&loaded.inputs, &loaded.sources);
        let all = loaded.diagnostics.sorted().into_iter().chain(wrong.sorted());
        all.map(|told| format!("{:?} {}", told.code, told.message)).collect()
    }

    fn scenario(parts: &str, path: &str) -> String {
        let flow = format!("  flow look on api {{\n    get \"{path}\"\n  }}\n");
        let load = "  load main of look {\n    hold 1/s for 1s\n  }\n  expect error_rate(main) < 1%\n";
        format!("{parts}\nscenario test {{\n  target api = http(\"http://127.0.0.1:1\")\n{flow}{load}}}\n")
    }

    #[test]
    fn an_unsaved_text_is_checked_instead_of_its_file() {
        let place = tempfile::tempdir().unwrap();
        let (main, used, rows) =
            (place.path().join("main.stress"), place.path().join("used.stress"), place.path().join("rows.csv"));
        std::fs::write(&main, "scenario {").unwrap();
        let mut files = Overlay::over(Disk);
        assert!(!told(&files, &main).is_empty());
        // The file is as it should be, and uses a module of which there is no file yet.
        files.put(&main, &scenario("use \"./used.stress\" as used\n", "/{used.where}"));
        assert!(told(&files, &main)[0].contains("there is no file"), "{:?}", told(&files, &main));
        files.put(&used, "param where: Text = \"a\"\n");
        assert_eq!(told(&files, &main), [""; 0]);
        std::fs::write(&used, "param where: Text = \"a\"\n").unwrap();
        files.put(&used, "param other: Text = \"a\"\n");
        assert!(told(&files, &main)[0].contains("has no `where`"));
        files.take(&used);
        assert_eq!(told(&files, &main), [""; 0]);
        // The columns of a data file are those that it will have.
        std::fs::write(&rows, "id\n1\n").unwrap();
        let mut with_rows = scenario("", "/{person.name}");
        with_rows = with_rows.replace("  flow look", "  data people = csv(\"./rows.csv\")\n  flow look");
        with_rows = with_rows.replace("    get", "    let person = people.next()\n    get");
        files.put(&main, &with_rows);
        assert!(told(&files, &main)[0].contains("no column `name`"), "{:?}", told(&files, &main));
        files.put(&rows, "id,name\n1,Ada\n");
        assert_eq!(told(&files, &main), [""; 0]);
    }

    #[test]
    fn buffers_and_files_are_refused_beyond_the_root() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let (main, beyond, hidden) =
            (inner.join("main.stress"), place.path().join("beyond.stress"), inner.join(".hidden.stress"));
        std::fs::write(&beyond, "param where: Text = \"a\"\n").unwrap();
        std::fs::write(&hidden, "param where: Text = \"a\"\n").unwrap();
        let mut files = Overlay::over(Disk);
        for (used, why) in [("../beyond.stress", "is not beneath"), (".hidden.stress", "is hidden")] {
            files.put(&main, &scenario(&format!("use \"{used}\" as used"), "/{used.where}"));
            for buffer in [false, true] {
                if buffer {
                    files.put(&beyond, "param where: Text = \"b\"\n");
                    files.put(&hidden, "param where: Text = \"b\"\n");
                }
                let told = told(&files, &main);
                assert!(told[0].contains(why), "{told:?}");
            }
            files.take(&beyond);
            files.take(&hidden);
        }
        // From where nothing is no path leads up to a buffer.
        files.put(&beyond, "param where: Text = \"b\"\n");
        files.put(&main, &scenario("use \"none/../../beyond.stress\" as used", "/{used.where}"));
        assert!(told(&files, &main)[0].contains("there is no file"), "{:?}", told(&files, &main));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_one_buffer_whatever_link_leads_to_it() {
        let place = tempfile::tempdir().unwrap();
        let (real, link) = (place.path().join("real.stress"), place.path().join("link.stress"));
        std::fs::write(&real, "scenario {").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut files = Overlay::over(Disk);
        files.put(&link, &scenario("", "/"));
        assert_eq!(told(&files, &real), [""; 0]);
    }

    #[test]
    fn a_text_that_was_never_saved_stands_in_its_directory() {
        let place = tempfile::tempdir().unwrap();
        let mut files = Overlay::over(Disk);
        std::fs::write(place.path().join("b.stress"), "").unwrap();
        files.put(&place.path().join("a.stress"), "");
        files.put(&place.path().join("b.stress"), "");
        files.put(&place.path().join("c.txt"), "");
        let found = scenario_files(&files, place.path()).unwrap();
        assert_eq!(found, ["a.stress", "b.stress"].map(|name| place.path().join(name)));
    }
}

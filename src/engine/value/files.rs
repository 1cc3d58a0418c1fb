//! Contents of files that are sent: read once before the load and shared by the workers.

use crate::base::hex;
use crate::inputs::root::{self, open_again};
use crate::plan::File;
use sha2::{Digest, Sha256};

#[derive(Default)]
pub struct Files {
    contents: Vec<Vec<u8>>,
    /// The first boundary that is in none of them.
    boundary: u64,
}

impl Files {
    /// Reads the files that were planned with. One that is no longer what it was is refused: the plan speaks of another.
    pub fn load(files: &[File]) -> Result<Files, String> {
        let contents: Vec<Vec<u8>> = files.iter().map(read).collect::<Result<_, _>>()?;
        let mut files = Files { contents, boundary: 0 };
        let all: Vec<usize> = (0..files.contents.len()).collect();
        while files.holds(&all, &boundary(files.boundary)) {
            files.boundary += 1;
        }
        Ok(files)
    }

    pub fn content(&self, file: usize) -> &[u8] {
        self.contents.get(file).map_or(&[], Vec::as_slice)
    }

    /// A boundary that occurs in none of these texts and files (RFC 2046, 5.1.1).
    pub fn boundary<'t>(&self, texts: &(impl Iterator<Item = &'t str> + Clone), files: &[usize]) -> String {
        let mut number = self.boundary;
        loop {
            let boundary = boundary(number);
            let known = number == self.boundary;
            if !texts.clone().any(|text| text.contains(&boundary)) && (known || !self.holds(files, &boundary)) {
                return boundary;
            }
            number += 1;
        }
    }

    fn holds(&self, files: &[usize], boundary: &str) -> bool {
        let found = regex::bytes::Regex::new(boundary).expect("a boundary is letters, digits and hyphens");
        files.iter().any(|file| found.is_match(self.content(*file)))
    }
}

fn boundary(number: u64) -> String {
    format!("stressc-{number:016x}")
}

fn read(file: &File) -> Result<Vec<u8>, String> {
    let (shown, name) = (file.path.display(), &file.name);
    let changed = |what: String| {
        format!("`{shown}`, which is sent as `{name}`, has changed since it was checked: {what}; run it again")
    };
    if !file.path.exists() {
        return Err(changed("it is not there any more".to_owned()));
    }
    let unreadable = |error: std::io::Error| format!("`{shown}` cannot be read: {error}");
    let opened = open_again(&file.path, &shown.to_string())?;
    let size = opened.metadata().map_err(unreadable)?.len();
    let content = root::content(opened, file.size).map_err(unreadable)?;
    let Some(content) = content.filter(|content| content.len() as u64 == file.size) else {
        return Err(changed(format!("it had {} bytes, and has {size}", file.size)));
    };
    match hex(&Sha256::digest(&content)) == file.sha256 {
        true => Ok(content),
        false => Err(changed("its content is not what it was".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_in_nothing_that_is_sent() {
        let texts = [boundary(1), format!("--{}x", boundary(3))];
        let files = Files {
            contents: vec![boundary(0).into_bytes(), b"\xff".iter().copied().chain(boundary(2).bytes()).collect()],
            boundary: 1,
        };
        let texts = || texts.iter().map(String::as_str);
        assert_eq!(files.boundary(&texts(), &[0]), boundary(2), "of files that are not sent nothing is asked");
        assert_eq!(files.boundary(&texts(), &[0, 1]), boundary(4));
        assert_eq!(files.boundary(&std::iter::empty(), &[]), boundary(1));
    }

    #[test]
    fn a_file_that_changed_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.bin");
        let file = File { name: "a.bin".to_owned(), path: path.clone(), size: 3, sha256: hex(&Sha256::digest(b"abc")) };
        let read = |content: Option<&[u8]>| {
            let _ = std::fs::remove_file(&path);
            content.iter().for_each(|content| std::fs::write(&path, content).unwrap());
            Files::load(std::slice::from_ref(&file)).map(|files| files.content(0).to_vec())
        };
        assert_eq!(read(Some(b"abc")).unwrap(), b"abc");
        for (content, why) in [
            (Some(&b"abd"[..]), "its content is not what it was"),
            (Some(b"ab"), "it had 3 bytes, and has 2"),
            (None, "it is not there any more"),
        ] {
            let said = read(content).unwrap_err();
            assert!(said.contains("has changed since it was checked") && said.contains(why), "{said}");
        }
    }
}

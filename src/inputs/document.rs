//! Reads a file as a whole: a hash of its content, and its text where it is one.

use super::{LARGEST, text_of, unreadable};
use crate::check::inputs::Document;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

pub fn document(path: &Path) -> Result<Document, String> {
    let why = |error| unreadable(path, &error);
    let mut file = std::fs::File::open(path).map_err(why)?;
    let (mut hash, mut size, mut bytes) = (Sha256::new(), 0u64, Vec::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer).map_err(why)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        size += count as u64;
        // What is larger is no text, and need not be held.
        match size <= LARGEST {
            true => bytes.extend_from_slice(&buffer[..count]),
            false => bytes = Vec::new(),
        }
    }
    let text = match size <= LARGEST {
        true => text_of(path, bytes),
        false => Err(format!("`{}` is larger than 64 MiB, which is no text", path.display())),
    };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(Document { path, size, sha256: crate::base::hex(&hash.finalize()), text })
}

//! Reads a file as a whole: a hash of its content, and its text where it is one.

use super::root::Opened;
use super::{LARGEST, text_of};
use crate::check::inputs::Document;
use sha2::{Digest, Sha256};
use std::io::Read;

pub fn document(opened: Opened, shown: &str) -> Result<Document, String> {
    let Opened { file, path } = opened;
    // One byte more, so that it is known to be larger.
    let mut file = file.take(Document::LARGEST + 1);
    let (mut hash, mut size, mut bytes) = (Sha256::new(), 0u64, Vec::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
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
        true => text_of(shown, bytes),
        false => Err(format!("`{shown}` is larger than 16 MiB, which is not a text")),
    };
    Ok(Document { path, size, sha256: crate::base::hex(&hash.finalize()), text })
}

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;

use crate::{Error, Result};

/// An object as it lies in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// From the bucket's root.
    pub key: String,
    /// Its user metadata.
    pub metadata: BTreeMap<String, String>,
    /// Its bytes, compressed as its key says.
    pub body: Bytes,
}

impl StoredObject {
    /// Its lines, without their ends.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] if it is not compressed as its key says, or its last line has no end.
    pub fn lines(&self) -> Result<Vec<Vec<u8>>> {
        let text = decompress(&self.key, &self.body)?;
        let Some(lines) = text.strip_suffix(b"\n") else {
            return Err(self.broken("its last line has no end"));
        };
        Ok(lines.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
    }

    fn broken(&self, reason: impl Into<String>) -> Error {
        Error::Object {
            key: self.key.clone(),
            reason: reason.into(),
        }
    }
}

/// Decompresses the bytes of an object as the end of its key says.
///
/// # Errors
///
/// [`Error::Object`] if they are something else.
pub fn decompress(key: &str, body: &[u8]) -> Result<Vec<u8>> {
    let decompressed = match key.rsplit_once('.') {
        Some((_, "zst")) => zstd::decode_all(body),
        Some((_, "gz")) => {
            let mut text = Vec::new();
            let read = flate2::read::MultiGzDecoder::new(body).read_to_end(&mut text);
            read.map(|_| text)
        }
        _ => Ok(body.to_vec()),
    };
    decompressed.map_err(|error| Error::Object {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(key: &str, body: impl Into<Bytes>) -> StoredObject {
        StoredObject {
            key: key.to_owned(),
            metadata: BTreeMap::new(),
            body: body.into(),
        }
    }

    #[test]
    fn lines_come_back_from_each_compression() {
        let text = b"one\n\ntwo\n";
        let zst = zstd::encode_all(&text[..], 1).unwrap();
        let lines = [b"one".to_vec(), Vec::new(), b"two".to_vec()];
        assert_eq!(stored("a.jsonl.zst", zst).lines().unwrap(), lines);
        assert_eq!(stored("a.jsonl", &text[..]).lines().unwrap(), lines);
    }

    #[test]
    fn a_cut_object_is_an_error() {
        assert!(stored("a.jsonl", "one").lines().is_err());
        assert!(stored("a.jsonl.zst", "one\n").lines().is_err());
        assert!(stored("a.jsonl.gz", "one\n").lines().is_err());
    }
}

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::bucket::{Bucket, Opened};
use super::error::Error;
use super::finding::{Finding, Findings, Kind, Place};
use super::format::Format;

/// Longest `_layout.json` that is read.
const LAYOUT_MAX_BYTES: u64 = 64 * 1024;

/// What `_layout.json` fixes for all slots of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Layout {
    pub key: String,
    /// Names this chain of objects; commits in Kafka say it too.
    pub id: Uuid,
    pub format: Format,
    pub topic_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LayoutJson {
    layout_version: u64,
    id: Uuid,
    format: String,
    compression: String,
    topic: String,
    topic_id: Option<String>,
}

impl Layout {
    /// Reads the topic's layout, if it was listed, and reports what is wrong with it.
    ///
    /// # Errors
    ///
    /// If the store refuses it.
    pub async fn read(
        bucket: &Bucket,
        folder: &str,
        topic: &str,
        is_listed: bool,
        findings: &mut Findings,
    ) -> Result<Option<Self>, Error> {
        let key = format!("{folder}_layout.json");
        let place = Place {
            key: Some(key.clone()),
            ..Place::default()
        };
        let mut report = |what: String| findings.push(Finding::error(Kind::Layout, place.clone(), what));
        let opened = if is_listed { bucket.open(&key).await? } else { None };
        let Some(Opened { body, .. }) = opened else {
            report("it is missing, so nothing fixes how the slots are named".to_owned());
            return Ok(None);
        };
        let mut json = Vec::new();
        Box::pin(body.into_async_read())
            .take(LAYOUT_MAX_BYTES + 1)
            .read_to_end(&mut json)
            .await
            .map_err(|source| bucket.broken_body(&key, source))?;
        Ok(match parse(&json, topic) {
            Ok((format, json)) => Some(Self {
                key,
                id: json.id,
                format,
                topic_id: json.topic_id,
            }),
            Err(reason) => {
                report(reason);
                None
            }
        })
    }
}

fn parse(json: &[u8], topic: &str) -> Result<(Format, LayoutJson), String> {
    if json.len() as u64 > LAYOUT_MAX_BYTES {
        return Err(format!("it is longer than {LAYOUT_MAX_BYTES} bytes"));
    }
    let layout: LayoutJson = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if layout.layout_version != 1 {
        return Err(format!(
            "layout_version is {}, this version knows 1",
            layout.layout_version
        ));
    }
    if layout.id.is_nil() {
        return Err("id is the nil UUID".to_owned());
    }
    if layout.topic != topic {
        return Err(format!("topic is `{}`, its folder says {topic}", layout.topic));
    }
    let format = Format::of_layout(&layout.format, &layout.compression)?;
    Ok((format, layout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Codec;

    const LAYOUT: &str = r#"{"layout_version":1,"id":"0193577e-2b4b-7cc0-9d3c-2f6b9c1c5a10","format":"jsonl","compression":"gzip","topic":"t","topic_id":"x"}"#;

    #[test]
    fn a_right_layout_is_read() {
        let (format, layout) = parse(LAYOUT.as_bytes(), "t").unwrap();
        assert_eq!(format, Format::Lines(Codec::Gzip));
        assert_eq!(layout.topic_id.as_deref(), Some("x"));
    }

    #[test]
    fn parquet_is_a_format_with_one_compression() {
        let parquet = LAYOUT.replacen("jsonl", "parquet", 1);
        assert!(parse(parquet.as_bytes(), "t").is_err(), "gzip was taken");
        let parquet = parquet.replacen("gzip", "zstd", 1);
        assert_eq!(parse(parquet.as_bytes(), "t").unwrap().0, Format::Parquet);
    }

    #[test]
    fn a_layout_of_something_else_is_refused() {
        for (from, to) in [
            ("\"layout_version\":1", "\"layout_version\":2"),
            ("0193577e", "x"),
            ("jsonl", "parquet"),
            ("jsonl", "csv"),
            ("gzip", "lz4"),
            ("\"t\"", "\"u\""),
            ("{", ""),
        ] {
            assert!(
                parse(LAYOUT.replacen(from, to, 1).as_bytes(), "t").is_err(),
                "{to} was taken"
            );
        }
    }
}

use std::path::PathBuf;

use crate::{Error, Result};

/// Where `scripts/install_tools.sh` puts what it downloads.
fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty());
    let cache = cache.map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
        PathBuf::from,
    );
    cache.join("quote-pipeline")
}

/// The folder whose `libs` holds Kafka's jars.
pub(crate) fn kafka_home() -> Result<PathBuf> {
    let home = std::env::var_os("KAFKA_HOME").filter(|value| !value.is_empty());
    let home = home.map_or_else(|| cache().join("kafka-4.3.1"), PathBuf::from);
    if home.join("libs").is_dir() {
        Ok(home)
    } else {
        Err(Error::ToolMissing {
            tool: "Kafka",
            path: home.join("libs"),
        })
    }
}

/// The program `java`.
pub(crate) fn java() -> PathBuf {
    of_java("java")
}

/// The program `keytool`, which comes with `java`.
pub(crate) fn keytool() -> PathBuf {
    of_java("keytool")
}

fn of_java(program: &str) -> PathBuf {
    let path = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin").join(program));
    path.filter(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from(program))
}

/// The program `weed`, which is `SeaweedFS`.
pub(crate) fn weed() -> Result<PathBuf> {
    in_cache("venv/bin/weed", "the S3 server `weed`")
}

/// The Python with the readers' packages.
pub(crate) fn python_of_readers() -> Result<PathBuf> {
    in_cache("readers/bin/python", "Python with the readers' packages")
}

fn in_cache(path: &str, tool: &'static str) -> Result<PathBuf> {
    let path = cache().join(path);
    if path.exists() {
        Ok(path)
    } else {
        Err(Error::ToolMissing { tool, path })
    }
}

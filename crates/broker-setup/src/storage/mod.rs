//! The data folder: formatted once for one cluster, never again.

mod cluster_id;
mod data_dirs;
mod java;

use std::path::{Path, PathBuf};

use tracing::{debug, info, warn};

pub use cluster_id::ClusterId;
use data_dirs::{DataDirs, Identity};
use java::Kafka;

use crate::{Error, keys, server_file};

/// What [`format`] needs to know.
#[derive(Clone, Debug)]
pub struct FormatRequest {
    /// Kafka's folder, which holds `libs/*.jar`.
    pub kafka_home: PathBuf,
    /// `server.properties`.
    pub config: PathBuf,
    /// Where the cluster id is kept. Made if absent.
    pub cluster_id_file: PathBuf,
}

/// What [`format`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formatted {
    /// The folder got this cluster id.
    Now(ClusterId),
    /// The folder had this cluster id and node id before.
    Before(ClusterId),
}

/// Formats the data folder that the configuration names, if that was not done before. Blocks; runs Java for
/// a second or two.
///
/// # Errors
///
/// Any of [`Error`]'s variants on files, the data folder, Java and the cluster id; then the folder is as it was.
pub fn format(request: &FormatRequest) -> Result<Formatted, Error> {
    let settings = server_file::read(&request.config)?;
    check_keys(&request.config, &settings)?;
    let dirs = DataDirs::of(&request.config, &settings)?;
    let kept_id = ClusterId::read(&request.cluster_id_file)?;

    if let Some(identity) = dirs.identity()? {
        let cluster_id = accept(identity, &dirs, kept_id.as_ref(), request)?;
        if kept_id.is_none() {
            cluster_id.write(&request.cluster_id_file)?;
        }
        info!(%cluster_id, "formatted before, nothing to do");
        return Ok(Formatted::Before(cluster_id));
    }

    let voter_flags = voter_flags(&settings);
    let kafka = Kafka::find(&request.kafka_home, voter_flags)?;
    dirs.prepare()?;
    let cluster_id = if let Some(cluster_id) = kept_id {
        cluster_id
    } else {
        let cluster_id = ClusterId::random();
        // Kept before it is used, so that a second try after a crash uses the same.
        cluster_id.write(&request.cluster_id_file)?;
        cluster_id
    };
    kafka.format_storage(&request.config, &cluster_id, voter_flags, &dirs)?;
    match dirs.identity()? {
        Some(identity) if identity.cluster_id == cluster_id => Ok(Formatted::Now(cluster_id)),
        _ => Err(Error::FormatWithoutEffect {
            path: dirs.metadata().to_owned(),
        }),
    }
}

/// The tool's flag: the node alone is the first to vote. A file with `controller.quorum.voters` names its voters itself.
fn voter_flags(settings: &[(String, String)]) -> &'static [&'static str] {
    match value_of(settings, "controller.quorum.voters") {
        Some(_) => &[],
        None => &["--standalone"],
    }
}

fn accept(
    found: Identity,
    dirs: &DataDirs,
    kept_id: Option<&ClusterId>,
    request: &FormatRequest,
) -> Result<ClusterId, Error> {
    if let Some(kept_id) = kept_id.filter(|kept_id| **kept_id != found.cluster_id) {
        return Err(Error::OtherCluster {
            data_dir: dirs.metadata().to_owned(),
            found: found.cluster_id,
            file: request.cluster_id_file.clone(),
            wanted: kept_id.clone(),
        });
    }
    if found.node_id != dirs.node_id() {
        return Err(Error::OtherNode {
            data_dir: dirs.metadata().to_owned(),
            found: found.node_id,
            file: request.config.clone(),
            wanted: dirs.node_id().to_owned(),
        });
    }
    Ok(found.cluster_id)
}

/// A file written by hand may hold misspelt names, which Kafka would pass over with one line in its log.
fn check_keys(path: &Path, settings: &[(String, String)]) -> Result<(), Error> {
    for (key, _) in settings {
        if keys::is_broker_key(key) {
            continue;
        }
        if keys::nearest_broker_key(key).is_some() || key.starts_with("zookeeper.") {
            keys::check_broker_key(key)?;
        }
        warn!(key, path = %path.display(), "not a setting of Kafka's own, kept for a plug-in");
    }
    debug!(settings = settings.len(), "each name is known");
    Ok(())
}

fn value_of<'a>(settings: &'a [(String, String)], key: &str) -> Option<&'a str> {
    // As in Java the last one counts.
    settings
        .iter()
        .rev()
        .find(|(name, value)| name == key && !value.trim().is_empty())
        .map(|(_, value)| value.trim())
}

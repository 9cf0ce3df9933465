use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ClusterId, value_of};
use crate::{Error, server_file};

/// The folders that a configuration gives to Kafka.
#[derive(Debug)]
pub(super) struct DataDirs {
    /// The one with the cluster's metadata first.
    paths: Vec<PathBuf>,
    node_id: String,
}

/// Whose data a formatted folder holds, by its `meta.properties`.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) cluster_id: ClusterId,
    pub(super) node_id: String,
}

impl DataDirs {
    pub(super) fn of(config: &Path, settings: &[(String, String)]) -> Result<Self, Error> {
        let needed = |keys: &[&'static str]| {
            keys.iter()
                .find_map(|key| value_of(settings, key))
                .ok_or_else(|| Error::MissingSetting {
                    path: config.to_owned(),
                    key: keys[0],
                })
        };
        let mut paths: Vec<PathBuf> = needed(&["log.dirs", "log.dir"])?
            .split(',')
            .map(|dir| PathBuf::from(dir.trim()))
            .collect();
        if let Some(metadata) = value_of(settings, "metadata.log.dir") {
            let metadata = PathBuf::from(metadata);
            paths.retain(|path| *path != metadata);
            paths.insert(0, metadata);
        }
        Ok(Self {
            paths,
            node_id: needed(&["node.id", "broker.id"])?.to_owned(),
        })
    }

    pub(super) fn metadata(&self) -> &Path {
        &self.paths[0]
    }

    pub(super) fn node_id(&self) -> &str {
        &self.node_id
    }

    /// Whose the folder is, `None` if it is not formatted. A further folder without `meta.properties` is one that
    /// Kafka adds by itself when it starts.
    pub(super) fn identity(&self) -> Result<Option<Identity>, Error> {
        let mut identity = None;
        for path in self.paths.iter().rev() {
            let found = identity_in(path)?;
            if let (None, Some(_)) = (&found, &identity) {
                if path == self.metadata() {
                    return Err(Error::HalfFormatted { path: path.clone() });
                }
                continue;
            }
            identity = found;
        }
        Ok(identity)
    }

    /// Makes the folders ready, or says why they are not.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        for path in &self.paths {
            let unusable = |source| Error::DataDir {
                path: path.clone(),
                source,
            };
            fs::create_dir_all(path).map_err(unusable)?;
            for entry in fs::read_dir(path).map_err(unusable)? {
                let name = entry.map_err(unusable)?.file_name();
                let name = name.to_string_lossy();
                if name == "lost+found" {
                    return Err(Error::LostAndFound {
                        path: path.clone(),
                        better: path.join("data"),
                    });
                }
                if is_partition(&name) {
                    return Err(Error::UnformattedData {
                        path: path.clone(),
                        partition: name.into_owned(),
                    });
                }
            }
            tempfile::tempfile_in(path).map_err(unusable)?;
        }
        Ok(())
    }
}

/// Whether a folder of this name holds records (`topic-0`); an interrupted format leaves the metadata's.
fn is_partition(name: &str) -> bool {
    name != "__cluster_metadata-0"
        && name.rsplit_once('-').is_some_and(|(topic, partition)| {
            !topic.is_empty() && !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit())
        })
}

fn identity_in(path: &Path) -> Result<Option<Identity>, Error> {
    let file = path.join("meta.properties");
    match fs::metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::ReadFile { path: file, source }),
        Ok(_) => {}
    }
    let settings = server_file::read(&file)?;
    let needed = |key| {
        value_of(&settings, key).ok_or_else(|| Error::MissingSetting {
            path: file.clone(),
            key,
        })
    };
    Ok(Some(Identity {
        cluster_id: needed("cluster.id")?
            .parse()
            .map_err(|source| Error::ClusterIdFile {
                path: file.clone(),
                source: Box::new(source),
            })?,
        node_id: needed("node.id")?.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "MkU3OEVBNTcwNTJENDM2Qg";

    fn dirs(settings: &[(&str, &str)]) -> DataDirs {
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        DataDirs::of(Path::new("server.properties"), &settings).unwrap()
    }

    #[test]
    fn the_metadata_folder_is_the_one_that_counts() {
        let found = dirs(&[
            ("log.dirs", "/a, /b"),
            ("node.id", "1"),
            ("metadata.log.dir", "/b"),
        ]);
        assert_eq!(found.metadata(), Path::new("/b"));
        assert_eq!(found.paths.len(), 2);
        let error = DataDirs::of(Path::new("x"), &[]).unwrap_err().to_string();
        assert!(error.contains("log.dirs"), "{error}");
    }

    #[test]
    fn lost_and_found_is_refused_with_a_better_folder() {
        let mount = tempfile::tempdir().unwrap();
        fs::create_dir(mount.path().join("lost+found")).unwrap();
        let found = dirs(&[("log.dirs", mount.path().to_str().unwrap()), ("node.id", "1")]);
        let error = found.prepare().unwrap_err().to_string();
        assert!(
            error.contains(mount.path().join("data").to_str().unwrap()),
            "{error}"
        );
    }

    #[test]
    fn records_without_an_identity_are_never_formatted_over() {
        let folder = tempfile::tempdir().unwrap();
        let found = dirs(&[("log.dirs", folder.path().to_str().unwrap()), ("node.id", "1")]);
        fs::create_dir(folder.path().join("__cluster_metadata-0")).unwrap();
        found.prepare().unwrap();
        fs::create_dir(folder.path().join("stock_pipeline-0")).unwrap();
        let error = found.prepare().unwrap_err().to_string();
        assert!(error.contains("stock_pipeline-0"), "{error}");
    }

    #[test]
    fn an_added_folder_is_left_to_kafka_but_a_lost_metadata_folder_is_not() {
        let [first, second] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let list = format!("{},{}", first.path().display(), second.path().display());
        let found = dirs(&[("log.dirs", &list), ("node.id", "1")]);
        assert!(found.identity().unwrap().is_none());
        let meta = format!("version=1\ncluster.id={ID}\nnode.id=1\n");
        fs::write(second.path().join("meta.properties"), &meta).unwrap();
        assert!(matches!(found.identity(), Err(Error::HalfFormatted { .. })));
        fs::rename(
            second.path().join("meta.properties"),
            first.path().join("meta.properties"),
        )
        .unwrap();
        assert_eq!(found.identity().unwrap().unwrap().cluster_id.as_str(), ID);
    }
}

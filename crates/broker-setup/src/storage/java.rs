use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tracing::{debug, info};

use super::ClusterId;
use super::data_dirs::DataDirs;
use crate::Error;

/// Kafka 4's broker needs it.
const JAVA_MIN: u32 = 17;

/// The first Kafka whose `StorageTool` takes the flags of a quorum that can change.
const FIRST_WITH_VOTER_FLAGS: Version = Version { major: 3, minor: 9 };

/// A Kafka's version, as far as its tools differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// From the name of a jar, such as `kafka-clients-3.8.1.jar`.
    fn of_jar(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix(JAR)?.split('.');
        Some(Self {
            major: numbers.next()?.parse().ok()?,
            minor: numbers.next()?.parse().ok()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Stands in each Kafka's `libs`, with its version behind.
const JAR: &str = "kafka-clients-";

/// Kafka's jars and a Java that can run them.
#[derive(Debug)]
pub(super) struct Kafka {
    java: PathBuf,
    class_path: OsString,
}

impl Kafka {
    /// Looks for one whose tool takes `voter_flags`.
    pub(super) fn find(home: &Path, voter_flags: &[&str]) -> Result<Self, Error> {
        let libs = home.join("libs");
        let mut names = fs::read_dir(&libs)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        let jar = names
            .find(|name| name.starts_with(JAR))
            .ok_or_else(|| Error::KafkaHome {
                path: home.to_owned(),
            })?;
        let version = Version::of_jar(&jar);
        if let Some(version) = version.filter(|version| *version < FIRST_WITH_VOTER_FLAGS)
            && !voter_flags.is_empty()
        {
            return Err(Error::KafkaVersion {
                path: home.to_owned(),
                found: version.to_string(),
                needed: FIRST_WITH_VOTER_FLAGS.to_string(),
                flags: voter_flags.join(" "),
            });
        }
        let java = match std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
            Some(home) => Path::new(&home).join("bin/java"),
            None => PathBuf::from("java"),
        };
        check_version(&java)?;
        Ok(Self {
            java,
            class_path: libs.join("*").into_os_string(),
        })
    }

    /// Runs Kafka's own tool. As root it runs as the owner of the data folder, so that the broker can write there.
    pub(super) fn format_storage(
        &self,
        config: &Path,
        cluster_id: &ClusterId,
        voter_flags: &[&str],
        dirs: &DataDirs,
    ) -> Result<(), Error> {
        let mut command = Command::new(&self.java);
        command
            .arg("-cp")
            .arg(&self.class_path)
            .args(["kafka.tools.StorageTool", "format"])
            .args(voter_flags)
            .args(["-t", cluster_id.as_str(), "-c"])
            .arg(config)
            .stdin(Stdio::null());
        if let Some((uid, gid)) = owner_to_become(dirs.metadata()) {
            info!(uid, gid, "formatting as the owner of the data folder");
            command.uid(uid).gid(gid);
        }
        info!(%cluster_id, data_dir = %dirs.metadata().display(), "formatting");
        let output = command.output().map_err(|source| Error::Java {
            program: self.java.clone(),
            source,
        })?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        debug!("StorageTool: {said}");
        if output.status.success() {
            Ok(())
        } else {
            Err(Error::StorageTool {
                status: output.status,
                config: config.to_owned(),
                said: last_words(&said),
            })
        }
    }
}

/// The owner of the folder, if we are root and it is not.
fn owner_to_become(path: &Path) -> Option<(u32, u32)> {
    let own_uid = fs::metadata("/proc/self").ok()?.uid();
    let owner = fs::metadata(path).ok()?;
    (own_uid == 0 && owner.uid() != 0).then(|| (owner.uid(), owner.gid()))
}

fn check_version(java: &Path) -> Result<(), Error> {
    let output = match Command::new(java).arg("-version").output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::JavaMissing {
                program: java.to_owned(),
            });
        }
        Err(source) => {
            return Err(Error::Java {
                program: java.to_owned(),
                source,
            });
        }
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match major_version(&said) {
        Some(major) if major >= JAVA_MIN => Ok(()),
        _ => Err(Error::JavaVersion {
            program: java.to_owned(),
            said: said.lines().next().unwrap_or("nothing").to_owned(),
            minimum: JAVA_MIN,
        }),
    }
}

/// The number after `version "`; before Java 9 it was the second one (`1.8.0_392`).
fn major_version(said: &str) -> Option<u32> {
    let (_, version) = said.split_once("version \"")?;
    let mut numbers = version.split(|character: char| !character.is_ascii_digit());
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        major => Some(major),
    }
}

/// What a Java program says of its end: the lines before a stack trace, the last ones of them.
fn last_words(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("at "))
        .collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_writing_javas_version_is_read() {
        for (said, major) in [
            ("openjdk version \"17.0.15\" 2025-04-15\n", Some(17)),
            ("openjdk version \"21\" 2023-09-19", Some(21)),
            ("java version \"1.8.0_392\"", Some(8)),
            ("openjdk version \"25-ea\" 2025-09-16", Some(25)),
            ("Error: could not find libjava.so", None),
        ] {
            assert_eq!(major_version(said), major, "{said}");
        }
    }

    #[test]
    fn a_folder_without_jars_is_named() {
        let home = tempfile::tempdir().unwrap();
        let error = Kafka::find(home.path(), &[]).unwrap_err().to_string();
        assert!(error.contains(home.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_jars_name_tells_the_version() {
        let version = |name| Version::of_jar(name).map(|version| version.to_string());
        assert_eq!(version("kafka-clients-3.8.1.jar").as_deref(), Some("3.8"));
        assert_eq!(version("kafka-clients-4.3.0-test.jar").as_deref(), Some("4.3"));
        assert_eq!(version("kafka-clients-trunk.jar"), None);
        let of_jar = |name| Version::of_jar(name).unwrap();
        assert!(of_jar("kafka-clients-3.8.9.jar") < FIRST_WITH_VOTER_FLAGS);
        assert!(of_jar("kafka-clients-3.10.0.jar") > FIRST_WITH_VOTER_FLAGS);
    }

    #[test]
    fn a_stack_trace_is_no_last_word() {
        let said = "a\nException in thread main: no\n\tat x.y(z)\n\tat x.z(z)\n";
        assert_eq!(last_words(said), "a; Exception in thread main: no");
    }
}

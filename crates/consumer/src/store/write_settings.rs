//! How objects are written, beside what the log and the layout decide: encryption, storage class, tags, checksum.
//! Of the writer and not of the prefix: they may differ from run to run.

use std::str::FromStr;

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::types::{ChecksumAlgorithm, ServerSideEncryption, StorageClass};
use pipeline_runtime::s3::Operation;

use super::tags::Tags;
use crate::setting::BadSetting;

/// The flags for how objects are written.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "S3")]
pub(crate) struct WriteArgs {
    /// Encryption at rest that is asked for
    #[arg(long, env = "S3_SSE", value_enum, default_value_t)]
    sse: Sse,
    /// Key of `--sse kms`: its id, ARN or alias; without it, the account's own key for S3
    #[arg(long, env = "S3_KMS_KEY_ID", value_name = "KEY")]
    kms_key_id: Option<KmsKeyId>,
    /// Storage class, such as `STANDARD_IA` or `INTELLIGENT_TIERING`; without it, the bucket's
    #[arg(long, env = "S3_STORAGE_CLASS", value_name = "CLASS")]
    storage_class: Option<ReadableClass>,
    /// Tags of each object; needs `s3:PutObjectTagging`
    #[arg(long, env = "S3_TAGS", value_name = "KEY=VALUE,…")]
    tags: Option<Tags>,
    /// Checksum that the store is to check and keep; crc32c if not given, and then it need not be kept
    #[arg(long, env = "S3_CHECKSUM", value_enum)]
    checksum: Option<Checksum>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Sse {
    /// Whatever the bucket's default is
    #[default]
    None,
    /// By a key that S3 keeps (SSE-S3)
    S3,
    /// By a key in KMS (SSE-KMS); needs `kms:GenerateDataKey` to write and `kms:Decrypt` to read
    Kms,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Checksum {
    Crc32c,
    Crc32,
    Crc64nvme,
    Sha256,
    /// For servers that know none of them; the signature still covers the bytes
    None,
}

/// A KMS key's id, ARN or alias.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KmsKeyId(String);

impl FromStr for KmsKeyId {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
        if (1..=2048).contains(&text.len()) && text.bytes().all(is_legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadSetting {
                setting: "--kms-key-id",
                value: format!("`{}`", text.chars().take(80).collect::<String>()),
                allowed: "a key's id, ARN or alias, such as `alias/ticks`",
            })
        }
    }
}

/// A storage class of which objects can be read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReadableClass(StorageClass);

impl FromStr for ReadableClass {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let refuse = |allowed| {
            Err(BadSetting {
                setting: "--storage-class",
                value: format!("`{}`", text.chars().take(40).collect::<String>()),
                allowed,
            })
        };
        match StorageClass::from(text) {
            class @ (StorageClass::Standard
            | StorageClass::StandardIa
            | StorageClass::OnezoneIa
            | StorageClass::IntelligentTiering
            | StorageClass::GlacierIr
            | StorageClass::ReducedRedundancy) => Ok(Self(class)),
            StorageClass::Glacier | StorageClass::DeepArchive => refuse(
                "one whose objects can be read at once, as each start reads the layout and the audit all; let a \
                 lifecycle rule archive old objects",
            ),
            _ => refuse(
                "STANDARD, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR or REDUCED_REDUNDANCY",
            ),
        }
    }
}

/// How objects are written, checked.
#[derive(Clone, Debug)]
pub(crate) struct WriteSettings {
    encryption: Option<ServerSideEncryption>,
    kms_key_id: Option<String>,
    storage_class: Option<StorageClass>,
    tagging: Option<String>,
    checksum: Option<ChecksumAlgorithm>,
    is_checksum_asked: bool,
}

/// A setting that a store took and did not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    pub(crate) flag: &'static str,
    pub(crate) asked: String,
    /// What the store says of the object.
    pub(crate) found: String,
}

impl WriteArgs {
    /// Checks what the types alone cannot.
    pub(crate) fn check(self) -> Result<WriteSettings, BadSetting> {
        if let Some(KmsKeyId(key)) = &self.kms_key_id
            && self.sse != Sse::Kms
        {
            return Err(BadSetting {
                setting: "--kms-key-id",
                value: format!("`{key}`"),
                allowed: "left out, or used with `--sse kms`",
            });
        }
        Ok(WriteSettings {
            encryption: match self.sse {
                Sse::None => None,
                Sse::S3 => Some(ServerSideEncryption::Aes256),
                Sse::Kms => Some(ServerSideEncryption::AwsKms),
            },
            kms_key_id: self.kms_key_id.map(|KmsKeyId(key)| key),
            storage_class: self.storage_class.map(|ReadableClass(class)| class),
            tagging: self.tags.as_ref().map(Tags::in_header),
            is_checksum_asked: self.checksum.is_some(),
            checksum: match self.checksum.unwrap_or(Checksum::Crc32c) {
                Checksum::Crc32c => Some(ChecksumAlgorithm::Crc32C),
                Checksum::Crc32 => Some(ChecksumAlgorithm::Crc32),
                Checksum::Crc64nvme => Some(ChecksumAlgorithm::Crc64Nvme),
                Checksum::Sha256 => Some(ChecksumAlgorithm::Sha256),
                Checksum::None => None,
            },
        })
    }
}

impl WriteSettings {
    /// Whether objects are written with a checksum, and the store may be asked for it.
    pub(super) fn has_checksum(&self) -> bool {
        self.checksum.is_some()
    }

    /// Without a checksum the SDK must neither send one nor ask for one.
    pub(super) fn configure(&self, client: Builder) -> Builder {
        if self.checksum.is_some() {
            return client;
        }
        client
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
    }

    /// Puts the settings into a PUT. An ACL is never sent: buckets that have them turned off refuse it.
    pub(super) fn apply(&self, put: PutObjectFluentBuilder) -> PutObjectFluentBuilder {
        put.set_server_side_encryption(self.encryption.clone())
            .set_ssekms_key_id(self.kms_key_id.clone())
            .set_storage_class(self.storage_class.clone())
            .set_tagging(self.tagging.clone())
            .set_checksum_algorithm(self.checksum.clone())
    }

    /// The first setting that an object written so does not have.
    pub(super) fn unkept(&self, object: &HeadObjectOutput) -> Option<Unkept> {
        let unkept = |flag, asked: &str, found: Option<&str>| {
            Some(Unkept {
                flag,
                asked: asked.to_owned(),
                found: found.unwrap_or("nothing").to_owned(),
            })
        };
        let encryption = object.server_side_encryption();
        if let Some(asked) = &self.encryption
            && encryption != Some(asked)
        {
            return unkept(
                "--sse",
                asked.as_str(),
                encryption.map(ServerSideEncryption::as_str),
            );
        }
        // an alias comes back as the key that it stands for
        if let Some(asked) = &self.kms_key_id
            && !asked.contains("alias/")
            && !object
                .ssekms_key_id()
                .is_some_and(|found| found.ends_with(asked.as_str()))
        {
            return unkept("--kms-key-id", asked, object.ssekms_key_id());
        }
        // what is not said is the standard one
        let class = object.storage_class().unwrap_or(&StorageClass::Standard);
        if let Some(asked) = &self.storage_class
            && class != asked
        {
            return unkept("--storage-class", asked.as_str(), Some(class.as_str()));
        }
        let checksum = match &self.checksum {
            Some(ChecksumAlgorithm::Crc32C) => object.checksum_crc32_c(),
            Some(ChecksumAlgorithm::Crc32) => object.checksum_crc32(),
            Some(ChecksumAlgorithm::Crc64Nvme) => object.checksum_crc64_nvme(),
            Some(ChecksumAlgorithm::Sha256) => object.checksum_sha256(),
            _ => return None,
        };
        if self.is_checksum_asked && checksum.is_none() {
            let asked = self.checksum.as_ref().map_or("", ChecksumAlgorithm::as_str);
            return unkept("--checksum", asked, None);
        }
        None
    }

    /// The flags that were given, as one would type them.
    pub(super) fn in_use(&self) -> String {
        let checksum = self.checksum.as_ref().map_or("none", ChecksumAlgorithm::as_str);
        [
            (
                "--sse",
                self.encryption.as_ref().map(ServerSideEncryption::as_str),
            ),
            ("--kms-key-id", self.kms_key_id.as_deref()),
            (
                "--storage-class",
                self.storage_class.as_ref().map(StorageClass::as_str),
            ),
            ("--tags", self.tagging.as_deref()),
            ("--checksum", Some(checksum)),
        ]
        .into_iter()
        .filter_map(|(flag, value)| Some(format!("{flag} {}", value?)))
        .collect::<Vec<_>>()
        .join(" ")
    }

    /// A PUT with these settings, for the error that names what IAM must allow.
    pub(super) fn operation(&self) -> Operation {
        let is_kms = self.encryption == Some(ServerSideEncryption::AwsKms);
        Operation::PutObject {
            needs: match (self.tagging.is_some(), is_kms) {
                (false, false) => "s3:PutObject",
                (true, false) => "s3:PutObject and s3:PutObjectTagging",
                (false, true) => "s3:PutObject, and kms:GenerateDataKey on the key",
                (true, true) => "s3:PutObject and s3:PutObjectTagging, and kms:GenerateDataKey on the key",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        writing: WriteArgs,
    }

    fn check(flags: &[&str]) -> Result<WriteSettings, String> {
        let line =
            Line::try_parse_from(["consumer"].iter().chain(flags)).map_err(|error| error.to_string())?;
        line.writing.check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_put_needs_of_iam_follows_the_settings() {
        let needs = |flags: &[&str]| match check(flags).unwrap().operation() {
            Operation::PutObject { needs } => needs,
            other => panic!("{other:?}"),
        };
        assert_eq!(needs(&[]), "s3:PutObject");
        assert_eq!(needs(&["--sse", "s3"]), "s3:PutObject");
        assert!(needs(&["--tags", "team=quotes"]).contains("s3:PutObjectTagging"));
        assert!(needs(&["--sse", "kms"]).contains("kms:GenerateDataKey"));
    }

    #[test]
    fn what_a_store_did_not_keep_is_named() {
        let kept = HeadObjectOutput::builder()
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id("arn:aws:kms:eu-west-1:1:key/k-1")
            .storage_class(StorageClass::StandardIa)
            .checksum_sha256("x")
            .build();
        let bare = HeadObjectOutput::builder().build();
        for (flags, flag) in [
            (&["--sse", "kms"][..], "--sse"),
            (&["--storage-class", "STANDARD_IA"], "--storage-class"),
            (&["--checksum", "sha256"], "--checksum"),
        ] {
            let settings = check(flags).unwrap();
            assert_eq!(settings.unkept(&kept), None, "{flags:?}");
            let unkept = settings.unkept(&bare).unwrap();
            assert_eq!(unkept.flag, flag);
            assert!(settings.in_use().contains(flag));
        }
        let key = |id| check(&["--sse", "kms", "--kms-key-id", id]).unwrap();
        assert_eq!(key("k-1").unkept(&kept), None);
        assert_eq!(key("alias/ticks").unkept(&kept), None);
        assert_eq!(key("k-2").unkept(&kept).unwrap().flag, "--kms-key-id");
        // what nobody asked for need not be kept
        assert_eq!(check(&[]).unwrap().unkept(&bare), None);
        assert_eq!(
            check(&["--storage-class", "STANDARD"]).unwrap().unkept(&bare),
            None
        );
    }

    #[test]
    fn impossible_settings_are_refused_with_their_way_out() {
        for (flags, hint) in [
            (&["--kms-key-id", "alias/k"][..], "--sse kms"),
            (&["--sse", "s3", "--kms-key-id", "alias/k"], "--sse kms"),
            (&["--sse", "kms", "--kms-key-id", "a key"], "alias/ticks"),
            (&["--storage-class", "GLACIER"], "lifecycle"),
            (&["--storage-class", "DEEP_ARCHIVE"], "lifecycle"),
            (&["--storage-class", "standard"], "STANDARD_IA"),
            (&["--tags", "team"], "key=value"),
            (&["--checksum", "md5"], "crc32c"),
        ] {
            let error = check(flags).unwrap_err();
            assert!(error.contains(hint), "{flags:?}: {error}");
        }
    }
}

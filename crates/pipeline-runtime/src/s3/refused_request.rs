use std::fmt;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};

use super::{BucketName, Operation, Refusal, cause};
use crate::exit::ExitStatus;

/// A request that S3 refused or did not answer. Says what that means and what to do, for whoever writes the bucket and
/// whoever reads it.
#[derive(Debug)]
pub struct RefusedRequest {
    operation: Operation,
    bucket: BucketName,
    key: String,
    refusal: Refusal,
    source: BoxError,
}

impl RefusedRequest {
    /// Reads the meaning of a failed request for `key`, which is a prefix or empty where it was for the bucket.
    pub fn of<E>(
        operation: Operation,
        bucket: &BucketName,
        key: &str,
        error: SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Self {
            operation,
            bucket: bucket.clone(),
            key: key.to_owned(),
            refusal: Refusal::of(operation, &error),
            source: cause(error),
        }
    }

    /// How a start ends for it: a certificate that is not trusted does not get better by another start.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        match self.refusal {
            Refusal::CertificateRefused { .. } => ExitStatus::BadConfig,
            _ => ExitStatus::Failed,
        }
    }

    /// What it means.
    #[must_use]
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }
}

impl std::error::Error for RefusedRequest {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl fmt::Display for RefusedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            bucket,
            key,
            refusal,
            ..
        } = self;
        match refusal {
            Refusal::BucketMissing => write!(
                f,
                "the bucket {bucket} does not exist, make it (`producer --bucket {bucket}` does) or correct `--bucket` and, \
                 of a store that is not AWS, `AWS_ENDPOINT_URL`"
            ),
            Refusal::WrongRegion { region } => {
                let region = region.as_deref().unwrap_or("another region");
                write!(f, "the bucket {bucket} is in {region}, set `AWS_REGION` to that")
            }
            Refusal::CredentialsRefused { code } => write!(
                f,
                "S3 refuses the credentials for the bucket {bucket} ({code}), check the keys or the role, and that a \
                 session of it has not expired"
            ),
            Refusal::ClockSkewed => write!(
                f,
                "S3 refuses requests for the bucket {bucket}, because this host's clock is off; set it, by NTP"
            ),
            Refusal::NoCredentials => write!(
                f,
                "there are no AWS credentials for the bucket {bucket}, set AWS_PROFILE or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY, or give this host a role"
            ),
            Refusal::Denied { action } => write!(
                f,
                "S3 denies access to s3://{bucket}/{key}, allow `{action}` in the role's policy and look at the bucket's"
            ),
            Refusal::KmsKey { code } => {
                write!(f, "the KMS key of s3://{bucket}/{key} cannot be used ({code}), ")?;
                f.write_str(match operation {
                    Operation::PutObject { .. } => {
                        "enable it or correct `--kms-key-id`; it must be in the bucket's region"
                    }
                    _ => "enable it to have the object read",
                })
            }
            Refusal::SettingRefused { flag, code } => write!(
                f,
                "the store of the bucket {bucket} does not take the objects' settings ({code}), change {flag}"
            ),
            Refusal::Archived => write!(
                f,
                "s3://{bucket}/{key} is archived and cannot be read, restore it or use another `--prefix`"
            ),
            Refusal::SlowDown => write!(
                f,
                "S3 takes no more requests for s3://{bucket}/{key} for now; if that lasts, raise `--flush-interval` or use \
                 another `--prefix`"
            ),
            Refusal::CertificateRefused { reason } => write!(
                f,
                "the TLS certificate of the store of bucket {bucket} is not trusted ({reason}), name its CA by \
                 `AWS_CA_BUNDLE` or `ca_bundle` in the profile, and the endpoint as the certificate does"
            ),
            Refusal::NoReply => write!(
                f,
                "no reply from S3 for s3://{bucket}/{key}, check the network, `AWS_ENDPOINT_URL` and the proxy's variables"
            ),
            Refusal::Other { status, code } => {
                write!(f, "S3 answered {status} {code} for s3://{bucket}/{key}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(operation: Operation, refusal: Refusal) -> String {
        let source = "the store's words".into();
        let (bucket, key) = ("b-1".parse().unwrap(), "k".to_owned());
        RefusedRequest {
            operation,
            bucket,
            key,
            refusal,
            source,
        }
        .to_string()
    }

    #[test]
    fn who_reads_is_not_told_to_change_what_is_written() {
        let disabled = || Refusal::KmsKey {
            code: "KMS.DisabledException".to_owned(),
        };
        let put = Operation::PutObject {
            needs: "s3:PutObject",
        };
        assert!(told(put, disabled()).contains("--kms-key-id"));
        let get = told(Operation::GetObject, disabled());
        assert!(
            get.contains("s3://b-1/k") && !get.contains("--kms-key-id"),
            "{get}"
        );
    }

    #[test]
    fn a_region_that_is_not_told_is_another() {
        let told = told(Operation::ListObjects, Refusal::WrongRegion { region: None });
        assert_eq!(
            told,
            "the bucket b-1 is in another region, set `AWS_REGION` to that"
        );
    }
}

//! What a failed request to S3 means: the one table of statuses, codes and headers.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};

/// Words with which AWS names the action that is missing, one of KMS for instance.
const NOT_AUTHORIZED: &str = "is not authorized to perform: ";

/// A request that failed, as far as its failure's meaning depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// PUT of an object; `needs` are the IAM actions that it takes, such as `s3:PutObject`.
    PutObject {
        /// Names of IAM, as a sentence lists them.
        needs: &'static str,
    },
    /// HEAD of an object.
    HeadObject,
    /// GET of an object.
    GetObject,
    /// DELETE of an object.
    DeleteObject,
    /// GET of a list of keys.
    ListObjects,
    /// HEAD of the bucket.
    HeadBucket,
    /// PUT of the bucket.
    CreateBucket,
}

impl Operation {
    /// The IAM actions that it takes.
    fn needs(self) -> &'static str {
        match self {
            Self::PutObject { needs } => needs,
            Self::HeadObject | Self::GetObject => "s3:GetObject",
            Self::DeleteObject => "s3:DeleteObject",
            Self::ListObjects | Self::HeadBucket => "s3:ListBucket",
            Self::CreateBucket => "s3:CreateBucket",
        }
    }

    /// The action of KMS that it takes if the object is encrypted by a key there.
    fn needs_of_key(self) -> &'static str {
        match self {
            Self::PutObject { .. } => "kms:GenerateDataKey",
            _ => "kms:Decrypt",
        }
    }

    /// A reply to HEAD has no body, and so no code.
    fn is_head(self) -> bool {
        matches!(self, Self::HeadObject | Self::HeadBucket)
    }
}

/// What a failed request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such bucket.
    BucketMissing,
    /// The bucket is in another region.
    WrongRegion {
        /// The bucket's region, where the store tells it.
        region: Option<String>,
    },
    /// The store does not know the credentials, or they are valid no more.
    CredentialsRefused {
        /// The store's code, or what stands for it.
        code: String,
    },
    /// This host's clock is too far from the store's.
    ClockSkewed,
    /// A permission is missing.
    Denied {
        /// The IAM action, or several as a sentence lists them.
        action: String,
    },
    /// The KMS key cannot be used: disabled, about to be deleted, unknown or in another region.
    KmsKey {
        /// The store's code.
        code: String,
    },
    /// The store does not take one of the settings with which objects are written.
    SettingRefused {
        /// The flag that sets it.
        flag: &'static str,
        /// The store's code.
        code: String,
    },
    /// The object is in an archive class and must be restored before it can be read.
    Archived,
    /// Too many requests.
    SlowDown,
    /// No source gives credentials.
    NoCredentials,
    /// The store's certificate is not trusted.
    CertificateRefused {
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing came within the time allowed, or the connection was lost.
    NoReply,
    /// Any other reply.
    Other {
        /// HTTP status.
        status: u16,
        /// The store's code, empty where it gives none.
        code: String,
    },
}

impl Refusal {
    /// Reads the meaning of a failed request.
    pub fn of<E>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let code = error.code().unwrap_or_default();
        let message = error.message().unwrap_or_default();
        let Some(reply) = error.raw_response() else {
            return match certificate_fault(error) {
                Some(reason) => Self::CertificateRefused { reason },
                None if is_without_credentials(error) => Self::NoCredentials,
                None => Self::NoReply,
            };
        };
        let region = reply.headers().get("x-amz-bucket-region");
        Self::of_reply(operation, reply.status().as_u16(), code, message, region)
    }

    fn of_reply(operation: Operation, status: u16, code: &str, message: &str, region: Option<&str>) -> Self {
        let code_text = || code.to_owned();
        match (code, status) {
            ("NoSuchBucket", _) => Self::BucketMissing,
            (_, 404) if operation == Operation::HeadBucket => Self::BucketMissing,
            (
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException",
                _,
            )
            | (_, 301 | 307 | 308) => Self::WrongRegion {
                region: region.map(str::to_owned),
            },
            ("RequestTimeTooSkewed" | "RequestExpired", _) => Self::ClockSkewed,
            (
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "ExpiredToken"
                | "InvalidToken"
                | "TokenRefreshRequired"
                | "AccountProblem"
                | "NotSignedUp",
                _,
            ) => Self::CredentialsRefused { code: code_text() },
            ("InvalidObjectState", _) => Self::Archived,
            ("InvalidStorageClass", _) => Self::SettingRefused {
                flag: "--storage-class",
                code: code_text(),
            },
            ("InvalidTag", _) => Self::SettingRefused {
                flag: "--tags",
                code: code_text(),
            },
            ("InvalidEncryptionAlgorithmError" | "ServerSideEncryptionConfigurationNotFoundError", _) => {
                Self::SettingRefused {
                    flag: "--sse",
                    code: code_text(),
                }
            }
            // of a header that this store has never heard of
            ("NotImplemented", _) | (_, 501) if matches!(operation, Operation::PutObject { .. }) => {
                Self::SettingRefused {
                    flag: "--sse, --storage-class, --tags or --checksum",
                    code: code_text(),
                }
            }
            _ if code.starts_with("KMS") && code.contains("AccessDenied") => Self::Denied {
                action: action_named_in(message).unwrap_or_else(|| operation.needs_of_key().to_owned()),
            },
            _ if code.starts_with("KMS") => Self::KmsKey { code: code_text() },
            ("SlowDown" | "RequestLimitExceeded" | "TooManyRequests", _) | (_, 429) => Self::SlowDown,
            // of a bucket elsewhere, or of a session that expired; the header tells which
            ("", 400) if operation.is_head() => match region {
                Some(region) => Self::WrongRegion {
                    region: Some(region.to_owned()),
                },
                None => Self::CredentialsRefused {
                    code: "400 to a HEAD".to_owned(),
                },
            },
            ("AccessDenied" | "AccessDeniedException" | "AllAccessDisabled", _) | (_, 401 | 403) => {
                Self::Denied {
                    action: action_named_in(message).unwrap_or_else(|| operation.needs().to_owned()),
                }
            }
            _ => Self::Other {
                status,
                code: code_text(),
            },
        }
    }
}

/// What the store or the SDK says, in words: the SDK's own texts are kinds of errors, such as `service error`.
pub fn cause<E>(error: SdkError<E, HttpResponse>) -> BoxError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let request = error
        .raw_response()
        .and_then(|reply| reply.headers().get("x-amz-request-id"))
        .map(|id| format!(" (request {id})"))
        .unwrap_or_default();
    let status = error.raw_response().map(|reply| reply.status().as_u16());
    match (error.code(), error.message(), status) {
        (Some(code), Some(message), _) => format!("{code}: {message}{request}").into(),
        (Some(code), None, _) => format!("{code}{request}").into(),
        (None, _, Some(status)) if error.as_service_error().is_some() => {
            format!("status {status} without a code{request}").into()
        }
        _ => error.into(),
    }
}

/// `User: … is not authorized to perform: kms:GenerateDataKey on resource: …`
fn action_named_in(message: &str) -> Option<String> {
    let (_, rest) = message.split_once(NOT_AUTHORIZED)?;
    let action = rest.split([' ', ',']).next()?.trim_end_matches('.');
    (action.contains(':')).then(|| action.to_owned())
}

/// What rustls says of a certificate that it does not trust. Only its text is left of it here.
fn certificate_fault(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).find_map(|text| {
        let (_, fault) = text.split_once("invalid peer certificate: ")?;
        Some(fault.to_owned())
    })
}

fn is_without_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(<dyn std::error::Error>::is::<CredentialsError>)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: Operation = Operation::PutObject {
        needs: "s3:PutObject",
    };

    fn of(operation: Operation, status: u16, code: &str) -> Refusal {
        Refusal::of_reply(operation, status, code, "", None)
    }

    fn denied(action: &str) -> Refusal {
        Refusal::Denied {
            action: action.to_owned(),
        }
    }

    #[test]
    fn a_missing_permission_is_named_by_the_request() {
        assert_eq!(of(PUT, 403, "AccessDenied"), denied("s3:PutObject"));
        assert_eq!(of(Operation::HeadObject, 403, ""), denied("s3:GetObject"));
        assert_eq!(of(Operation::HeadBucket, 403, ""), denied("s3:ListBucket"));
        assert_eq!(
            of(Operation::ListObjects, 403, "AccessDenied"),
            denied("s3:ListBucket")
        );
    }

    #[test]
    fn a_missing_permission_that_aws_names_is_believed() {
        let message = "User: arn:aws:sts::1:assumed-role/writer/i-1 is not authorized to perform: \
                       kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:1:key/2 because no identity-based \
                       policy allows the kms:GenerateDataKey action";
        let refusal = Refusal::of_reply(PUT, 403, "AccessDenied", message, None);
        assert_eq!(refusal, denied("kms:GenerateDataKey"));
        let message = "User: u is not authorized to perform: s3:PutObjectTagging, with an explicit deny";
        let refusal = Refusal::of_reply(PUT, 403, "AccessDenied", message, None);
        assert_eq!(refusal, denied("s3:PutObjectTagging"));
    }

    #[test]
    fn another_region_is_told_where_the_store_tells_it() {
        let elsewhere = Some("eu-west-1");
        let expected = Refusal::WrongRegion {
            region: elsewhere.map(str::to_owned),
        };
        for (operation, status, code) in [
            (Operation::HeadBucket, 301, ""),
            (Operation::HeadBucket, 400, ""),
            (PUT, 301, "PermanentRedirect"),
            (PUT, 400, "AuthorizationHeaderMalformed"),
        ] {
            assert_eq!(
                Refusal::of_reply(operation, status, code, "", elsewhere),
                expected
            );
        }
    }

    #[test]
    fn the_clock_the_keys_and_the_kms_key_are_told_apart() {
        assert_eq!(of(PUT, 403, "RequestTimeTooSkewed"), Refusal::ClockSkewed);
        for code in ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"] {
            assert!(
                matches!(of(PUT, 403, code), Refusal::CredentialsRefused { .. }),
                "{code}"
            );
        }
        assert!(matches!(
            of(Operation::HeadObject, 400, ""),
            Refusal::CredentialsRefused { .. }
        ));
        for code in [
            "KMS.DisabledException",
            "KMS.NotFoundException",
            "KMS.KMSInvalidStateException",
        ] {
            assert!(matches!(of(PUT, 400, code), Refusal::KmsKey { .. }), "{code}");
        }
        assert_eq!(of(PUT, 400, "KMSAccessDenied"), denied("kms:GenerateDataKey"));
        assert_eq!(
            of(Operation::GetObject, 400, "KMS.AccessDeniedException"),
            denied("kms:Decrypt")
        );
    }

    #[test]
    fn a_setting_that_the_store_does_not_take_is_named() {
        let flag = |refusal| match refusal {
            Refusal::SettingRefused { flag, .. } => flag,
            other => panic!("{other:?}"),
        };
        assert_eq!(flag(of(PUT, 400, "InvalidStorageClass")), "--storage-class");
        assert_eq!(flag(of(PUT, 400, "InvalidTag")), "--tags");
        assert_eq!(flag(of(PUT, 400, "InvalidEncryptionAlgorithmError")), "--sse");
        assert!(flag(of(PUT, 501, "NotImplemented")).contains("--checksum"));
    }

    #[test]
    fn a_missing_object_is_no_missing_bucket() {
        assert_eq!(of(Operation::HeadBucket, 404, ""), Refusal::BucketMissing);
        assert_eq!(
            of(Operation::GetObject, 404, "NoSuchBucket"),
            Refusal::BucketMissing
        );
        assert!(matches!(
            of(Operation::HeadObject, 404, ""),
            Refusal::Other { status: 404, .. }
        ));
        assert_eq!(of(PUT, 503, "SlowDown"), Refusal::SlowDown);
    }
}

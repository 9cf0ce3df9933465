//! Tokens of AWS IAM, which Amazon MSK takes for OAUTHBEARER's: each is a signed URL.

use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider;
use rdkafka::client::OAuthToken;
use tokio::time::timeout;

use crate::Error;

/// For all that gives credentials: files, the instance's metadata, a token service.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(8);

/// What librdkafka calls the user in its log; the broker reads the name from the token.
const PRINCIPAL: &str = "AWS IAM";

/// Signs a token by the SDK's own chain. Blocks for as long as that takes, some seconds at most.
///
/// # Errors
///
/// [`Error::NoRegion`] and [`Error::NoKafkaCredentials`] if the chain gives none, [`Error::TokenNotSigned`] if
/// anything else prevents it.
pub(super) fn sign() -> Result<OAuthToken, Error> {
    // librdkafka calls from its threads and from those that poll, of which one may be of a runtime: a thread and a
    // runtime of its own wait for no other
    let signing = thread::Builder::new().name("msk-iam".to_owned()).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Error::TokenNotSigned {
                source: source.into(),
            })?;
        let signed = runtime.block_on(sign_by_chain());
        runtime.shutdown_background();
        signed
    });
    signing
        .map_err(|source| Error::TokenNotSigned {
            source: source.into(),
        })?
        .join()
        .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
}

/// Asks anew each time, as the credentials of a role change.
async fn sign_by_chain() -> Result<OAuthToken, Error> {
    let sdk_config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let region = sdk_config
        .region()
        .filter(|region| !region.as_ref().is_empty())
        .ok_or(Error::NoRegion)?;
    let none = |source| Error::NoKafkaCredentials { source };
    let chain = sdk_config
        .credentials_provider()
        .ok_or_else(|| none("the SDK has no chain of sources".into()))?;
    let credentials = timeout(CREDENTIALS_TIMEOUT, chain.provide_credentials())
        .await
        .map_err(|elapsed| none(elapsed.into()))?
        .map_err(|source| none(source.into()))?;
    token(region.clone(), credentials).await
}

/// The token of these credentials, which ends when they do.
async fn token(region: Region, credentials: Credentials) -> Result<OAuthToken, Error> {
    let ends_ms = credentials
        .expiry()
        .and_then(|moment| moment.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_millis()).ok());
    let credentials = SharedCredentialsProvider::new(credentials);
    let (token, lifetime_ms) = generate_auth_token_from_credentials_provider(region, credentials)
        .await
        .map_err(|source| Error::TokenNotSigned {
            source: source.into(),
        })?;
    Ok(OAuthToken {
        token,
        principal_name: PRINCIPAL.to_owned(),
        lifetime_ms: ends_ms.map_or(lifetime_ms, |ends_ms| ends_ms.min(lifetime_ms)),
    })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    fn signed(expires: Option<SystemTime>) -> OAuthToken {
        let session = Some("a-session".to_owned());
        let credentials = Credentials::new("AKIDEXAMPLE", "a-secret", session, expires, "test");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime
            .block_on(token(Region::new("eu-west-1"), credentials))
            .unwrap()
    }

    /// How long a token lasts from now on.
    fn lasts(token: &OAuthToken) -> Duration {
        let ends = UNIX_EPOCH + Duration::from_millis(token.lifetime_ms.try_into().unwrap());
        ends.duration_since(SystemTime::now()).unwrap()
    }

    #[test]
    fn a_token_is_a_signed_url_of_the_login_in_the_region() {
        let token = signed(None);
        let url = BASE64_URL_SAFE_NO_PAD.decode(&token.token).unwrap();
        let url = String::from_utf8(url).unwrap();
        assert!(
            url.starts_with("https://kafka.eu-west-1.amazonaws.com/?"),
            "{url}"
        );
        for part in [
            "Action=kafka-cluster%3AConnect",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIDEXAMPLE%2F",
            "%2Feu-west-1%2Fkafka-cluster%2Faws4_request",
            "X-Amz-Security-Token=a-session",
            "X-Amz-Expires=900",
            "X-Amz-Signature=",
        ] {
            assert!(url.contains(part), "{part} is not in {url}");
        }
        assert!(!url.contains("a-secret"), "{url}");
        assert!(lasts(&token) > Duration::from_mins(14), "{:?}", lasts(&token));
    }

    #[test]
    fn a_token_ends_no_later_than_its_credentials() {
        let token = signed(Some(SystemTime::now() + Duration::from_mins(5)));
        assert!(lasts(&token) <= Duration::from_mins(5), "{:?}", lasts(&token));
        let token = signed(Some(SystemTime::now() + Duration::from_hours(6)));
        assert!(lasts(&token) <= Duration::from_mins(15), "{:?}", lasts(&token));
    }
}

use std::error::Error as StdError;

use rdkafka::ClientConfig;
use rdkafka::client::OAuthToken;
use tracing::{debug, warn};

use super::{Contact, msk_iam};
use crate::Error;
use crate::exit::with_causes;

/// Where a client's tokens for OAUTHBEARER come from: of IAM, for Amazon MSK, unless the properties name another
/// source. Clients of other mechanisms ask for none.
#[derive(Clone, Debug)]
pub struct Tokens {
    source: Source,
    contact: Contact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Iam,
    /// librdkafka makes them, or none are needed.
    Librdkafka,
}

impl Tokens {
    /// The source that the properties name. `contact` is told if it has no token.
    ///
    /// # Errors
    ///
    /// [`Error::ClientConfig`] if librdkafka refuses a property, [`Error::NoTokenSource`] if the properties hold what
    /// only another source would read.
    pub fn of(config: &ClientConfig, contact: &Contact) -> Result<Self, Error> {
        let source = source(config)?;
        debug!(?source, "tokens for OAUTHBEARER");
        Ok(Self {
            source,
            contact: contact.clone(),
        })
    }

    /// A new token. To be called by the client's context, again and again before the last one ends.
    ///
    /// # Errors
    ///
    /// Says why there is none; librdkafka asks again 10 s later.
    pub fn next(&self) -> Result<OAuthToken, Box<dyn StdError>> {
        match self.source {
            Source::Iam => msk_iam::sign().map_err(|error| {
                let reason = with_causes(&error);
                // librdkafka tells the same reason once only, and this may last
                warn!("no token to log in to Kafka with: {reason}");
                self.contact.note_no_token(error);
                reason.into()
            }),
            Source::Librdkafka => Err(
                "librdkafka does not renew unsecured tokens, which are for tests; \
                                       make them last by `lifeSeconds` in `-X sasl.oauthbearer.config`"
                    .into(),
            ),
        }
    }
}

fn source(config: &ClientConfig) -> Result<Source, Error> {
    let refused = |source| Error::ClientConfig { source };
    // knows aliases, defaults and all ways to write a value
    let parsed = config.create_native_config().map_err(refused)?;
    let is = |key, value| Ok(parsed.get(key).map_err(refused)? == value);
    let is_sasl = is("security.protocol", "sasl_ssl")? || is("security.protocol", "sasl_plaintext")?;
    if !is_sasl
        || !is("sasl.mechanisms", "OAUTHBEARER")?
        || is("enable.sasl.oauthbearer.unsecure.jwt", "true")?
    {
        return Ok(Source::Librdkafka);
    }
    if config.get("sasl.oauthbearer.config").is_some() {
        return Err(Error::NoTokenSource);
    }
    Ok(Source::Iam)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source_of(properties: &[(&str, &str)]) -> Result<Source, Error> {
        let pairs = properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        source(&pairs.collect())
    }

    #[test]
    fn iam_signs_where_no_other_source_is_named() {
        for mechanism in ["sasl.mechanism", "sasl.mechanisms"] {
            for protocol in ["SASL_SSL", "sasl_ssl", "SASL_PLAINTEXT"] {
                let properties = [("security.protocol", protocol), (mechanism, "OAUTHBEARER")];
                assert_eq!(source_of(&properties).unwrap(), Source::Iam, "{properties:?}");
            }
        }
    }

    #[test]
    fn other_sources_and_mechanisms_are_left_to_librdkafka() {
        let sasl = ("security.protocol", "SASL_SSL");
        let oauth = ("sasl.mechanism", "OAUTHBEARER");
        for properties in [
            &[][..],
            &[oauth],
            &[("security.protocol", "SSL"), oauth],
            &[sasl, ("sasl.mechanism", "SCRAM-SHA-512")],
            &[sasl, oauth, ("enable.sasl.oauthbearer.unsecure.jwt", "1")],
        ] {
            assert_eq!(
                source_of(properties).unwrap(),
                Source::Librdkafka,
                "{properties:?}"
            );
        }
    }

    #[test]
    fn what_only_another_source_reads_is_refused_alone() {
        let properties = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "OAUTHBEARER"),
            ("sasl.oauthbearer.config", "principal=p"),
        ];
        assert!(matches!(source_of(&properties), Err(Error::NoTokenSource)));
    }
}

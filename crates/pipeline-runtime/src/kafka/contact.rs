use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::Error;

/// What the brokers say to a client until they first answer it: its context notes it here, and whoever waits for
/// the answer looks.
///
/// librdkafka itself tries again for ever, also with a wrong password.
#[derive(Clone, Debug, Default)]
pub struct Contact(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    refusal: Option<Refusal>,
    last_reason: Option<String>,
}

#[derive(Debug)]
enum Refusal {
    Login(String),
    Certificate(String),
    Token(Error),
}

impl Contact {
    /// Notes an error of the client. To be called by its context.
    pub fn note(&self, error: &KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else {
            return;
        };
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match code {
            // says no more than the lines before it
            RDKafkaErrorCode::AllBrokersDown => return,
            // whoever gives tokens may do so later
            RDKafkaErrorCode::Authentication if !reason.contains("Failed to acquire") => {
                notes.refusal.get_or_insert(Refusal::Login(reason.to_owned()));
            }
            RDKafkaErrorCode::SSL if reason.contains("certificate") => {
                notes
                    .refusal
                    .get_or_insert(Refusal::Certificate(reason.to_owned()));
            }
            _ => {}
        }
        notes.last_reason = Some(reason.to_owned());
    }

    /// Notes that there is no token to log in with. To be called by what signs it.
    pub fn note_no_token(&self, error: Error) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.refusal.get_or_insert(Refusal::Token(error));
    }

    /// What makes it useless to wait for this answer. It stands until [`Contact::answered`], as librdkafka tries
    /// again but does not say again what it has said within the last half minute. That there is no token is
    /// said once.
    pub(super) fn refusal(&self, brokers: &str) -> Option<Error> {
        let brokers = brokers.to_owned();
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (error, again) = match notes.refusal.take()? {
            Refusal::Login(reason) => (
                Error::LoginRefused {
                    brokers,
                    reason: reason.clone(),
                },
                Some(Refusal::Login(reason)),
            ),
            Refusal::Certificate(reason) => (
                Error::CertificateRefused {
                    brokers,
                    reason: reason.clone(),
                },
                Some(Refusal::Certificate(reason)),
            ),
            Refusal::Token(error) => (error, None),
        };
        notes.refusal = again;
        Some(error)
    }

    /// A broker has answered: what was refused before has passed.
    pub(super) fn answered(&self) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.refusal = None;
    }

    /// The last that was noted.
    pub(super) fn last_reason(&self) -> Option<String> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.last_reason.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(code: RDKafkaErrorCode, reason: &str) -> Contact {
        let contact = Contact::default();
        contact.note(&KafkaError::Global(code), reason);
        contact
    }

    #[test]
    fn a_refused_login_and_an_untrusted_certificate_stand_until_a_broker_answers() {
        let login = noted(RDKafkaErrorCode::Authentication, "invalid credentials");
        assert!(matches!(login.refusal("b"), Some(Error::LoginRefused { .. })));
        assert!(matches!(login.refusal("b"), Some(Error::LoginRefused { .. })));
        login.answered();
        assert!(login.refusal("b").is_none());
        let tls = noted(RDKafkaErrorCode::SSL, "certificate verify failed");
        assert!(matches!(tls.refusal("b"), Some(Error::CertificateRefused { .. })));
    }

    #[test]
    fn without_a_token_to_log_in_with_there_is_no_use_in_asking() {
        let contact = Contact::default();
        contact.note_no_token(Error::NoRegion);
        assert!(matches!(contact.refusal("b"), Some(Error::NoRegion)));
    }

    #[test]
    fn what_may_pass_is_only_remembered() {
        for (code, reason) in [
            (RDKafkaErrorCode::BrokerTransportFailure, "Connection refused"),
            (RDKafkaErrorCode::SSL, "SSL handshake failed: Disconnected"),
            (
                RDKafkaErrorCode::Authentication,
                "Failed to acquire SASL OAUTHBEARER token",
            ),
        ] {
            let contact = noted(code, reason);
            assert!(contact.refusal("b").is_none(), "{reason}");
            assert_eq!(contact.last_reason().as_deref(), Some(reason));
        }
    }
}

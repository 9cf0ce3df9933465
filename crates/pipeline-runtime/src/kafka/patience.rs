use std::thread;
use std::time::Duration;

use backon::{BlockingRetryable, ConstantBuilder};
use tracing::warn;

use crate::exit::with_causes;
use crate::{Error, systemd};

/// From one look to the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// A topic made a moment ago is not yet in every broker's metadata.
const LOOKS_FOR_A_TOPIC: usize = 11;

/// A user, a permission or a certificate made a moment ago is not yet with every broker.
const LOOKS_AT_A_REFUSAL: usize = 4;

/// Looks again for some seconds where Kafka's answer may be another one then: a missing topic for ten, a refusal for
/// three. One warning tells of it. Blocks meanwhile; whoever is asked to stop leaves the thread to itself.
///
/// # Errors
///
/// What `look` gives; within [`Error::AskedAgain`] what was so again each time.
pub fn patiently<T>(look: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    patiently_by(thread::sleep, look)
}

fn patiently_by<T>(
    sleep: impl Fn(Duration) + 'static,
    mut look: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut looks = 0;
    let counted = || {
        looks += 1;
        look().map_err(|error| (looks, error))
    };
    let told = |(looks, error): &(usize, Error), _| {
        let reason = with_causes(error);
        if *looks == 1 {
            let most = most_looks(error);
            warn!("Kafka is asked up to {most} times, as this may pass: {reason}");
        }
        systemd::alive();
        systemd::status(&format!("asking Kafka again: {reason}"));
    };
    let looked = counted
        .retry(ConstantBuilder::default().with_delay(PAUSE).without_max_times())
        .sleep(sleep)
        .when(|(looks, error)| *looks < most_looks(error))
        .notify(told)
        .call();
    looked.map_err(|(times, error)| {
        if times == 1 || most_looks(&error) == 1 {
            return error;
        }
        Error::AskedAgain {
            times,
            source: Box::new(error),
        }
    })
}

/// How often an answer is doubted. Who waits for a broker that is away has a limit of its own.
fn most_looks(error: &Error) -> usize {
    match error {
        Error::TopicMissing { .. } => LOOKS_FOR_A_TOPIC,
        Error::LoginRefused { .. } | Error::CertificateRefused { .. } | Error::TopicRefused { .. } => {
            LOOKS_AT_A_REFUSAL
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::exit::{ExitStatus, Failure};

    fn missing() -> Error {
        Error::TopicMissing {
            topic: "t".to_owned(),
            brokers: "b:9092".to_owned(),
        }
    }

    fn refused() -> Error {
        Error::LoginRefused {
            brokers: "b:9092".to_owned(),
            reason: "invalid credentials".to_owned(),
        }
    }

    /// What comes of answers that depend on the time, and when.
    fn look_at(answer: impl Fn(Duration) -> Result<usize, Error>) -> (Result<usize, Error>, Duration) {
        let now = Rc::new(Cell::new(Duration::ZERO));
        let clock = Rc::clone(&now);
        let sleep = move |pause| clock.set(clock.get() + pause);
        let looked = patiently_by(sleep, || answer(now.get()));
        (looked, now.get())
    }

    #[test]
    fn what_is_made_two_seconds_after_the_start_is_found() {
        for not_yet in [missing, refused] {
            let made_at = Duration::from_secs(2);
            let (looked, at) = look_at(|now| if now < made_at { Err(not_yet()) } else { Ok(3) });
            assert!(matches!(looked, Ok(3)), "{looked:?}");
            assert_eq!(at, made_at);
        }
    }

    #[test]
    fn what_stays_so_ends_with_its_own_status_and_how_often_it_was_asked() {
        let (looked, at) = look_at(|_| Err(missing()));
        let failure = looked.unwrap_err();
        assert_eq!(at, Duration::from_secs(10));
        assert_eq!(failure.exit_status(), ExitStatus::Failed);
        let line = with_causes(&failure);
        assert!(
            line.starts_with("asked 11 times: the topic t is not at"),
            "{line}"
        );
        assert_eq!(line.matches("the topic t").count(), 1, "{line}");

        let (looked, at) = look_at(|_| Err(refused()));
        assert_eq!(at, Duration::from_secs(3));
        assert_eq!(looked.unwrap_err().exit_status(), ExitStatus::NoPermission);
    }

    #[test]
    fn answers_that_take_turns_end_too() {
        let (looked, at) = look_at(|now| {
            Err(if now.as_secs() % 2 == 0 {
                missing()
            } else {
                refused()
            })
        });
        assert!(
            matches!(looked, Err(Error::AskedAgain { times: 4, .. })),
            "{looked:?}"
        );
        assert_eq!(at, Duration::from_secs(3));
    }

    #[test]
    fn what_comes_after_a_doubt_is_told_as_itself() {
        let (looked, at) = look_at(|now| Err(if now.is_zero() { missing() } else { Error::NoRegion }));
        assert!(matches!(looked, Err(Error::NoRegion)), "{looked:?}");
        assert_eq!(at, PAUSE);
    }

    #[test]
    fn a_setting_that_is_wrong_is_not_doubted() {
        let (looked, at) = look_at(|_| Err(Error::NoRegion));
        assert!(matches!(looked, Err(Error::NoRegion)), "{looked:?}");
        assert_eq!(at, Duration::ZERO);
    }
}

//! A bucket in memory that creates atomically, loses requests and replies, and does some PUTs late.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use pipeline_runtime::s3::{BucketName, Operation, RefusedRequest};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store_conformance::MemoryStore;

use super::background::StandingClock;
use crate::clock::Clock;
use crate::store::{Bucket, Creation, Error};

/// What is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) metadata: HashMap<String, String>,
}

/// How the bucket behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It does what it is asked, at once.
    #[default]
    Good,
    /// It takes its time and fails in every way that a store may.
    Flaky,
    /// No request reaches it.
    Away,
}

/// The bucket, for all who use it.
#[derive(Clone)]
pub(crate) struct FlakyBucket {
    name: BucketName,
    clock: StandingClock,
    state: Arc<Mutex<State>>,
}

pub(crate) struct State {
    pub(crate) objects: MemoryStore<String, Object>,
    /// PUTs that the store has not come to yet. It may do so after their sender's death.
    pub(crate) late: Vec<(u64, String, Object)>,
    pub(crate) manners: Manners,
    puts: u64,
    /// Requests that were sent, and LISTs that were answered.
    pub(crate) requests: u64,
    pub(crate) lists: u64,
    random: StdRng,
}

impl FlakyBucket {
    pub(crate) fn new(seed: u64, clock: StandingClock) -> Self {
        Self {
            name: "simulated".parse().unwrap(),
            clock,
            state: Arc::new(Mutex::new(State {
                objects: MemoryStore::default(),
                late: Vec::new(),
                manners: Manners::default(),
                puts: 0,
                requests: 0,
                lists: 0,
                random: StdRng::seed_from_u64(seed),
            })),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store comes to a PUT that it did not come to before.
    pub(crate) fn do_a_late_put(&self) {
        let mut state = self.state();
        if !state.late.is_empty() {
            let count = state.late.len();
            let at = state.random.random_range(0..count);
            let (_, key, object) = state.late.swap_remove(at);
            state.objects.create(key, object);
        }
    }

    fn lost(&self, key: &str) -> Error {
        let error = SdkError::<PutObjectError, _>::timeout_error("no reply");
        let operation = Operation::HeadObject;
        RefusedRequest::of(operation, &self.name, key, error).into()
    }

    /// How long a request is under way, and whether its reply comes.
    fn travel(&self) -> (Duration, bool) {
        let mut state = self.state();
        state.requests += 1;
        match state.manners {
            Manners::Good => (Duration::ZERO, true),
            Manners::Away => (Duration::from_secs(5), false),
            Manners::Flaky => {
                let way = Duration::from_millis(state.random.random_range(0..400));
                (way, state.random.random_bool(0.75))
            }
        }
    }

    async fn put(&self, key: &str, object: Object) -> Result<Creation, Error> {
        let (way, is_answered) = self.travel();
        let number = {
            let mut state = self.state();
            if state.manners == Manners::Away {
                None
            } else {
                state.puts += 1;
                let number = state.puts;
                state.late.push((number, key.to_owned(), object));
                Some(number)
            }
        };
        self.clock.sleep(way).await;
        let Some(number) = number else {
            return Err(self.lost(key));
        };
        let mut state = self.state();
        let waiting = state.late.iter().position(|(late, ..)| *late == number);
        if !is_answered {
            // done, or not yet, or never: the sender does not learn it
            let fate = state.random.random_range(0..3);
            if let Some(at) = waiting.filter(|_| fate < 2) {
                let (_, key, object) = state.late.swap_remove(at);
                if fate == 0 {
                    state.objects.create(key, object);
                }
            }
            return Err(self.lost(key));
        }
        let Some(at) = waiting else {
            // the store came to it before, and the reply was lost
            return Err(self.lost(key));
        };
        let (_, key, object) = state.late.swap_remove(at);
        Ok(if state.objects.create(key, object) {
            Creation::Created
        } else {
            Creation::Exists
        })
    }
}

impl Bucket for FlakyBucket {
    fn name(&self) -> &BucketName {
        &self.name
    }

    fn create<'a>(
        &'a self,
        key: &'a str,
        body: Bytes,
        metadata: HashMap<String, String>,
    ) -> BoxFuture<'a, Result<Creation, Error>> {
        self.put(key, Object { body, metadata }).boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<HashMap<String, String>>, Error>> {
        async move {
            let (way, is_answered) = self.travel();
            self.clock.sleep(way).await;
            if !is_answered {
                return Err(self.lost(key));
            }
            let state = self.state();
            let object = state.objects.head(&key.to_owned());
            Ok(object.map(|object| object.metadata.clone()))
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        folder: &'a str,
        each: &'a mut (dyn FnMut(&str) + Send),
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let (way, is_answered) = self.travel();
            self.clock.sleep(way).await;
            if !is_answered {
                return Err(self.lost(folder));
            }
            let mut state = self.state();
            state.lists += 1;
            let keys = state.objects.list().map(|(key, _)| key);
            keys.filter(|key| key.starts_with(folder))
                .for_each(|key| each(key));
            Ok(())
        }
        .boxed()
    }
}

/// The bucket in memory, tried as the real one is.
mod conformance {
    use futures::executor::block_on;
    use store_conformance::{Store, assert_conforms};

    use super::*;

    impl Store for FlakyBucket {
        async fn create(&self, key: &str, body: &str) -> bool {
            let metadata = HashMap::from([("body".to_owned(), body.to_owned())]);
            let created = Bucket::create(self, key, Bytes::new(), metadata).await;
            created.unwrap() == Creation::Created
        }

        async fn head(&self, key: &str) -> Option<String> {
            let metadata = Bucket::head(self, key).await.unwrap();
            metadata.and_then(|mut metadata| metadata.remove("body"))
        }

        async fn list(&self, prefix: &str) -> Vec<String> {
            let mut keys = Vec::new();
            let listed = Bucket::list(self, prefix, &mut |key| keys.push(key.to_owned())).await;
            listed.unwrap();
            keys
        }

        async fn delete(&self, key: &str) {
            self.state().objects.remove(&key.to_owned());
        }
    }

    #[test]
    fn with_good_manners_it_is_one_that_the_protocol_may_stand_on() {
        block_on(assert_conforms(&FlakyBucket::new(0, StandingClock::new())));
    }
}

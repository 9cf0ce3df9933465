//! What the slot protocol needs of a store, as one suite for every store that it is tried on: the real server, and
//! the [`MemoryStore`] that stands for it in simulations.

mod memory;

pub use memory::MemoryStore;

use futures::future::join_all;

/// A store as the protocol uses it. A panic is how an implementation fails.
pub trait Store {
    /// A create-only PUT: whether this request made the object.
    fn create(&self, key: &str, body: &str) -> impl Future<Output = bool>;

    /// A HEAD: what tells the object from others of its key, or nothing on a 404.
    fn head(&self, key: &str) -> impl Future<Output = Option<String>>;

    /// A LIST: the keys that begin with this, in the store's order.
    fn list(&self, prefix: &str) -> impl Future<Output = Vec<String>>;

    /// A DELETE, for the suite itself: the protocol has none.
    fn delete(&self, key: &str) -> impl Future<Output = ()>;
}

/// How many PUTs race for one key.
const RACERS: usize = 16;

/// Tries an empty store.
///
/// # Panics
///
/// If the store does not do what the protocol needs; says what.
pub async fn assert_conforms(store: &impl Store) {
    assert_eq!(store.head("a/1").await, None, "HEAD of what was never there");
    assert!(store.create("a/1", "first").await, "PUT to a free key");
    assert!(!store.create("a/1", "second").await, "PUT to a taken key");
    assert_eq!(
        store.head("a/1").await.as_deref(),
        Some("first"),
        "the first PUT stays"
    );

    for round in 0..5 {
        let key = format!("race/{round}");
        let bodies: Vec<String> = (0..RACERS).map(|racer| racer.to_string()).collect();
        let racers = bodies.iter().map(|body| store.create(&key, body));
        let won = join_all(racers).await;
        let winners: Vec<_> = bodies.iter().zip(won).filter(|(_, won)| *won).collect();
        assert_eq!(winners.len(), 1, "winners of a race: {winners:?}");
        let stored = store.head(&key).await;
        assert_eq!(
            stored.as_ref(),
            Some(winners[0].0),
            "the winner's object is there"
        );
    }

    store.delete("a/1").await;
    assert_eq!(store.head("a/1").await, None, "HEAD of what was deleted");
    assert!(
        store.create("a/1", "third").await,
        "PUT to a key that is free again"
    );

    // as the chain's keys: `=` and digits, and one folder that begins as another does
    let keys = ["b/dt=2/c-10", "b/dt=1/c-2", "b/dt=10/c-1", "b/dt=1/c-10", "bb"];
    for key in keys {
        assert!(store.create(key, "").await, "PUT to {key}");
    }
    let listed = store.list("b/").await;
    assert_eq!(
        listed,
        ["b/dt=1/c-10", "b/dt=1/c-2", "b/dt=10/c-1", "b/dt=2/c-10"],
        "a LIST"
    );
    assert!(store.list("c").await.is_empty(), "a LIST of nothing");
}

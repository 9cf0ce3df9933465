use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What a panicking request left behind is still whole: each change under a lock is one step.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

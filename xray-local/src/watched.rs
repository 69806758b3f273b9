//! A value that handlers share, and whose changes the pages hear of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::shared::SharedStore;

/// Behind a lock. A change counts as one of the store, whose version the pages follow.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    value: Arc<Mutex<T>>,
    store: SharedStore,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T, store: SharedStore) -> Self {
        Self { value: Arc::new(Mutex::new(value)), store }
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.lock())
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.store.touch();
        result
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

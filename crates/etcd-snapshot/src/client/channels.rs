//! The channels that are kept, one for each endpoint.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_client::Client;
use tokio::sync::OnceCell;

use super::connect::{ClientOptions, connect};
use crate::{Advice, Error, Result};

/// Where the channel of one endpoint is kept while it is good. Whoever connects first, connects for all who wait.
type Slot = Arc<OnceCell<Client>>;

/// One channel for each endpoint, opened on first use. One that fails is given up, so that the next question opens another,
/// with what is in the files by then: a channel connects again by itself, but with the certificates that it began with.
pub(super) struct Channels(HashMap<String, Mutex<Slot>>);

/// A channel as it was lent.
pub(super) struct Channel {
    pub(super) client: Client,
    slot: Slot,
    /// Whether it was open before it was asked for.
    pub(super) was_open: bool,
}

impl Channels {
    pub(super) fn new(endpoints: &[String]) -> Self {
        Self(endpoints.iter().map(|endpoint| (endpoint.clone(), Mutex::default())).collect())
    }

    /// The channel of `endpoint`, which is opened if there is none. Endpoints are connected independently: one that is
    /// silent does not delay the others.
    pub(super) async fn get(&self, endpoint: &str, options: &ClientOptions) -> Result<Channel> {
        let slot = Arc::clone(&*self.slot(endpoint)?);
        let was_open = slot.initialized();
        let client = slot.get_or_try_init(|| connect(endpoint, options)).await?.clone();
        Ok(Channel { client, slot, was_open })
    }

    /// Keeps `channel` no longer. One that took its place meanwhile stays.
    pub(super) fn give_up(&self, endpoint: &str, channel: &Channel) {
        if let Ok(mut slot) = self.slot(endpoint)
            && Arc::ptr_eq(&slot, &channel.slot)
        {
            *slot = Slot::default();
        }
    }

    /// Whether `channel` is the one that the next question will get.
    pub(super) fn keeps(&self, endpoint: &str, channel: &Channel) -> bool {
        self.slot(endpoint).is_ok_and(|slot| Arc::ptr_eq(&slot, &channel.slot))
    }

    fn slot(&self, endpoint: &str) -> Result<MutexGuard<'_, Slot>> {
        let slot = self.0.get(endpoint).ok_or_else(|| {
            Error::usage(format!("{endpoint} is not among the endpoints of this cluster: name one of those"))
                .with_advice(Advice::Endpoints)
        })?;
        Ok(slot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

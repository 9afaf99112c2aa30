//! What the library takes from the machine it runs on: the time, and random bytes.

use std::fmt;
use std::time::SystemTime;

use crate::{Error, ErrorKind, Result};

/// The time and randomness that an operation uses, as a component, so that a test can turn both.
pub trait Host: fmt::Debug + Send + Sync + 'static {
    /// The wall clock. It names snapshots and orders those of equal revision; nothing else depends on it.
    fn now(&self) -> SystemTime;

    /// Fills `buffer` with bytes that nobody else draws.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    fn random(&self, buffer: &mut [u8]) -> Result<()>;
}

/// The clock and the random generator of the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no parts and will have none")]
pub struct SystemHost;

impl Host for SystemHost {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn random(&self, buffer: &mut [u8]) -> Result<()> {
        getrandom::fill(buffer)
            .map_err(|e| Error::new(ErrorKind::Storage, format!("the system gives no random bytes: {e}")))
    }
}

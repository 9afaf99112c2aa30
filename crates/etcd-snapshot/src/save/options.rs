//! How a save is done.

use std::sync::Arc;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::checks::Checks;
use crate::host::{Host, SystemHost};
use crate::progress::{Progress, Silent};
use crate::{Advice, Error, Result};

/// How a save is done. The defaults suit an operator: everything is verified, nothing is assumed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SaveOptions {
    /// Compare HashKV with a live member. Default: yes. Writes wait at that member while it computes.
    pub live_check: bool,
    /// What must be verified, or there is no backup. Default: nothing beyond what never fails quietly; trailer, structure
    /// and read-back are always made. What no save can verify is refused before it begins: a [drill](Checks::DRILL), a live
    /// hash without [`live_check`](Self::live_check), or both of [`LIVE_HASH`](Checks::LIVE_HASH) and
    /// [`SENDER_HASH`](Checks::SENDER_HASH). [`save_raw`](super::save_raw) takes no notice of it.
    pub required: Checks,
    /// The home may hold another cluster until now, or this one before a restore, and holds this one from here on. Where it
    /// holds this one already and its revision has not gone back, this changes nothing. Default: refuse.
    pub new_incarnation: bool,
    /// How long the member may send nothing. Default: 30 s.
    pub stall_timeout: Duration,
    /// How long everything before the commit may take; the commit is a few small writes. What was written until then is
    /// taken away. Default: no limit.
    pub timeout: Option<Duration>,
    /// What may end a [`save`](super::save()) before its commit, or a [`save_raw`](super::save_raw), in an orderly way.
    /// Default: nothing.
    pub cancel: Option<CancelToken>,
    /// Who watches. Default: nobody.
    pub progress: Arc<dyn Progress>,
    /// Clock and randomness. Default: the system's.
    pub host: Arc<dyn Host>,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self {
            live_check: true,
            required: Checks::NONE,
            new_incarnation: false,
            stall_timeout: Duration::from_secs(30),
            timeout: None,
            cancel: None,
            progress: Arc::new(Silent),
            host: Arc::new(SystemHost),
        }
    }
}

impl SaveOptions {
    /// Leaves the comparison with a live member out.
    #[must_use]
    pub fn without_live_check(mut self) -> Self {
        self.live_check = false;
        self
    }

    /// Declares that the home holds another cluster from here on.
    #[must_use]
    pub fn with_new_incarnation(mut self) -> Self {
        self.new_incarnation = true;
        self
    }

    /// Sets what must be verified, or there is no backup.
    #[must_use]
    pub fn with_required(mut self, checks: Checks) -> Self {
        self.required = checks;
        self
    }

    /// Sets how long the member may send nothing.
    #[must_use]
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// Sets how long everything may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what may end the save before its commit: it takes away what it has written, and returns an error of the kind
    /// [`Cancelled`](crate::ErrorKind::Cancelled). A save that is committing goes on and succeeds.
    #[must_use]
    pub fn with_cancel(mut self, token: CancelToken) -> Self {
        self.cancel = Some(token);
        self
    }

    /// Refuses what is required and cannot come true.
    pub(super) fn validate(&self) -> Result<()> {
        let hashes = [Checks::LIVE_HASH, Checks::SENDER_HASH].map(|hash| self.required.contains(hash));
        let message = match hashes {
            _ if self.required.contains(Checks::DRILL) => {
                "a drill is required, and no save makes one: require something else, and restore it to see it boot"
            }
            [true, true] => {
                "live-hash and sender-hash are required, and a save makes one of the two: sender-hash where the cluster has one member"
            }
            [false, false] => return Ok(()),
            _ if self.live_check => return Ok(()),
            _ => {
                let message =
                    "a hash of a live member is required, and comparing with one is left out: choose one of the two";
                return Err(Error::usage(message).with_advice(Advice::LiveCheck));
            }
        };
        Err(Error::usage(message).with_advice(Advice::Required))
    }

    /// Sets who watches.
    #[must_use]
    pub fn with_progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Sets clock and randomness.
    #[must_use]
    pub fn with_host(mut self, host: Arc<dyn Host>) -> Self {
        self.host = host;
        self
    }
}

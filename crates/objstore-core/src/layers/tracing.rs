//! Measurements as events.

use tracing::{debug, warn};

use super::{Measurement, Recorder};
use crate::ErrorKind;

/// Tells `tracing` about every call: what failed at level `WARN`, the rest at `DEBUG`. Keys are not shown.
///
/// What is not found, not modified, not at a revision or taken is no failure: it may be what was to be found out.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to configure")]
pub struct TracingRecorder;

impl Recorder for TracingRecorder {
    fn record(&self, measurement: &Measurement) {
        let Measurement { op, error, duration, bytes, attempts } = measurement;
        match error {
            Some(kind) if is_failure(*kind) => {
                warn!(%op, error = %kind, ?duration, bytes, attempts, "call to the object store failed");
            }
            Some(kind) => debug!(%op, outcome = %kind, ?duration, bytes, attempts, "call to the object store"),
            None => debug!(%op, ?duration, bytes, attempts, "call to the object store"),
        }
    }
}

fn is_failure(kind: ErrorKind) -> bool {
    use ErrorKind::{AlreadyExists, Cancelled, NotFound, NotModified, PreconditionFailed};
    !matches!(kind, AlreadyExists | Cancelled | NotFound | NotModified | PreconditionFailed)
}

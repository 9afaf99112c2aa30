//! What happens in a pass, as events of `tracing`.

use tracing::{debug, info, warn};

use crate::{Event, Observer, StepError, StepState, Verdict};

/// Writes what happens to `tracing`, with the target `reconcile`: writes and ends of passes that are held at `info`,
/// failures and stalls at `warn`, all else at `debug`. It keeps nothing and shows no values.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to configure")]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn event(&self, flow: &str, event: &Event<'_>) {
        match event {
            Event::PassStarted { plan } => debug!(target: "reconcile", flow, plan, "pass started"),
            Event::StepStarted { step } => debug!(target: "reconcile", flow, %step, "step started"),
            Event::Observed { step, answer } => debug!(target: "reconcile", flow, %step, ?answer, "observed"),
            Event::Applying { step, action } => info!(target: "reconcile", flow, %step, %action, "writing"),
            Event::Applied { step, result: Ok(()) } => info!(target: "reconcile", flow, %step, "written"),
            Event::Applied { step, result: Err(StepError { class, code }) } => {
                warn!(target: "reconcile", flow, %step, class = class.name(), code, "writing failed");
            }
            Event::StepEnded { step, state: StepState::Unknown(StepError { class, code }), writes } => {
                warn!(target: "reconcile", flow, %step, class = class.name(), code, writes, "step is unknown");
            }
            Event::StepEnded { step, state, writes } => {
                debug!(target: "reconcile", flow, %step, %state, writes, "step ended");
            }
            Event::PassEnded { outcome } => match &outcome.verdict {
                Verdict::Converged => debug!(target: "reconcile", flow, writes = outcome.writes(), "converged"),
                Verdict::Failed { .. } | Verdict::Misused(_) => {
                    warn!(target: "reconcile", flow, code = outcome.code(), %outcome, "pass failed");
                }
                _ => info!(target: "reconcile", flow, code = outcome.code(), %outcome, "pass held"),
            },
            Event::Scheduled { failures, after } => {
                debug!(target: "reconcile", flow, failures, ?after, "next pass scheduled");
            }
            Event::Stalled { failures, code } => {
                warn!(target: "reconcile", flow, failures, code, "stalled: somebody should look");
            }
        }
    }
}

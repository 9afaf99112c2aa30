//! `objstore probe`.

use std::sync::Arc;

use anyhow::Context as _;
use objstore_core::probe::{Probe, ProbeReport};

use crate::args;
use crate::exit::Ended;
use crate::output::Output;
use crate::place::Place;
use crate::progress::Bar;
use crate::signal::until_signal;

pub(crate) async fn run(args: args::Probe, output: &Output) -> anyhow::Result<()> {
    let place = Place::open(&args.store, output).await?;
    let report = look(&place, args.accept_retention, output).await?;
    output.result(&serde_json::to_value(&report)?, &report.to_string())?;
    // What is missing is said in one sentence each, with what was seen.
    match report.require(&args.require) {
        Ok(()) => Ok(()),
        Err(error) => Err(Ended::not_kept(error.to_string())),
    }
}

/// Tries everything on the actual bucket.
pub(super) async fn look(place: &Place, accept_retention: bool, output: &Output) -> anyhow::Result<ProbeReport> {
    let mut probe = Probe::new(Arc::clone(&place.bare)).with_prefix(place.prefix.clone());
    if accept_retention {
        probe = probe.accept_default_retention();
    }
    let _bar = Bar::of_time("probing", output.is_json());
    let left = "what it wrote is left below objstore-probe-…/ and can be removed";
    until_signal(left, async { probe.run().await.with_context(|| format!("cannot probe {}", place.store)) }).await
}

//! `objstore conformance`.

use std::sync::Arc;

use objstore_core::layers::StoreBuilder;
use objstore_core::probe::Versioning;
use objstore_core::{Capabilities, ObjectStore, Promise, Verdict};
use objstore_testkit::conformance::{Outcome, Report, Suite};
use serde_json::{Value, json};

use super::probe;
use crate::args;
use crate::exit::Ended;
use crate::output::Output;
use crate::place::Place;
use crate::progress::Bar;
use crate::signal::until_signal;

/// The cases that need a bucket which keeps versions: whether it does is a setting, which the probe has seen.
const VERSIONS: [&str; 2] = ["old_versions_are_read_and_erased", "listings_of_versions_show_markers"];

pub(crate) async fn run(args: args::Conformance, output: &Output) -> anyhow::Result<()> {
    let place = Place::open(&args.store, output).await?;
    let mut suite = Suite::new().with_prefix(place.prefix.child("conformance")?);
    let (store, versioning) = seen(&place, output).await?;
    if versioning == Versioning::Disabled {
        for case in VERSIONS {
            suite = suite.without(case, "this bucket keeps no old versions");
        }
    }
    let bar = Bar::of_time("conformance", output.is_json());
    let left = "what the cases at work wrote is left below conformance/ and can be removed";
    let report = until_signal(left, async { Ok(suite.run(&store).await) }).await;
    drop(bar);
    let closed = store.close().await;
    let report = report?;
    output.result(&as_json(&report), &format!("{report}\n"))?;
    closed?;
    if report.failed() > 0 {
        return Err(Ended::not_kept(format!("{} of {} cases failed", report.failed(), report.ran())));
    }
    if report.ran() < args.floor {
        let message = format!("only {} cases ran, of at least {} wanted (--floor)", report.ran(), args.floor);
        return Err(Ended::not_kept(message));
    }
    Ok(())
}

/// The store, refusing what a probe did not see hold. Stores that know what they keep are not probed.
async fn seen(place: &Place, output: &Output) -> anyhow::Result<(Arc<dyn ObjectStore>, Versioning)> {
    if !doubtful(&place.bare.capabilities()) {
        return Ok((Arc::clone(&place.store), Versioning::Unknown));
    }
    let report = probe::look(place, false, output).await?;
    output.note(&report.to_string());
    let versioning = report.state.versioning;
    Ok((StoreBuilder::new(Arc::clone(&place.bare)).with_report(report).build(), versioning))
}

fn doubtful(capabilities: &Capabilities) -> bool {
    let claimed = |promise: &&Promise| capabilities.claims(**promise);
    Promise::ALL.iter().filter(claimed).any(|promise| capabilities.verdict(*promise) == Verdict::Unknown)
}

fn as_json(report: &Report) -> Value {
    let case = |case: &objstore_testkit::conformance::CaseReport| {
        let (outcome, detail) = match &case.outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Ignored(why) => ("ignored", Some(why)),
            Outcome::Failed(what) => ("failed", Some(what)),
            _ => ("other", None),
        };
        let took = u64::try_from(case.took.as_millis()).unwrap_or(u64::MAX);
        json!({ "name": case.name, "outcome": outcome, "detail": detail, "milliseconds": took })
    };
    json!({
        "store": report.store(),
        "ran": report.ran(),
        "passed": report.passed(),
        "failed": report.failed(),
        "ignored": report.ignored(),
        "cases": report.cases().iter().map(case).collect::<Vec<_>>(),
    })
}

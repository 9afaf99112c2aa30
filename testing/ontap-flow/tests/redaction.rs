//! No password shows: in traces, events, outcomes, errors, conditions or `Debug`, whatever fails.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use ontap_flow::client::{Reader, Writer};
use ontap_flow::flow::{Flow, Guards};
use ontap_flow::oracle::STRANGERS_PASSWORD;
use ontap_flow::scenario::Scenario;
use ontap_flow::site::Site;
use ontap_flow::world::CANARY;
use reconcile::testkit::{Faults, Kit, Pairs, Reason};
use reconcile::{Outcome, TracingObserver, conditions};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Where everything that is shown goes.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs with everything that is traced going into the sink.
fn traced<T>(sink: &Sink, run: impl FnOnce() -> T) -> T {
    let everything = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(sink.clone());
    let _until_the_end = everything.finish().set_default();
    run()
}

fn show(out: &mut Sink, outcome: &Outcome) {
    let mut status = Vec::new();
    let changed = conditions::report(&mut status, outcome, false, Some(1), SystemTime::UNIX_EPOCH);
    assert!(changed.is_changed(), "conditions are made");
    let status = serde_json::to_string(&status).unwrap();
    writeln!(out, "{outcome}\n{outcome:?}\n{status}").unwrap();
}

fn kit(scenario: Scenario, sink: &Sink, leak: bool) -> Kit<'static, Site> {
    let (world, spec) = (scenario.world(), scenario.spec());
    let make = move || Site::new(world.clone(), spec.clone(), Guards::ALL).showing_everything();
    let (shown, collected) = (sink.clone(), sink.clone());
    let pass = async move |site: &Site, faults: Faults| {
        let wire = site.begin(faults);
        let flow = Flow::new(site.spec().clone());
        let pass = flow.pass().with_observer(&TracingObserver);
        flow.run(&pass, wire.clone()).await;
        let outcome = pass.finish();
        let mut out = shown.clone();
        show(&mut out, &outcome);
        writeln!(out, "{:?} {:?} {:?}", site, Reader::new(wire.clone()), Writer::new(wire)).unwrap();
        if leak {
            writeln!(out, "{:?}", site.world().mint().expose()).unwrap();
        }
        outcome
    };
    Kit::new(make, pass)
        .with_secrets([CANARY, STRANGERS_PASSWORD], move |_, into| into.push_str(&collected.take()))
        .with_pairs(Pairs::None)
}

#[test]
fn no_password_shows_whatever_fails() {
    for scenario in [Scenario::OneCluster, Scenario::Drifted, Scenario::LostJournal, Scenario::Clumsy] {
        let sink = Sink::default();
        let report = traced(&sink, || kit(scenario, &sink, false).explore());
        assert!(report.is_clean() && report.points > 0, "{scenario:?}: {report}");
    }
}

#[test]
fn one_that_is_shown_is_found_and_traces_are_looked_at() {
    let sink = Sink::default();
    let report = traced(&sink, || kit(Scenario::OneCluster, &sink, true).explore());
    report.assert_finds(Reason::Leaked, "");
    let trace = Sink::default();
    let replay = traced(&trace, || kit(Scenario::OneCluster, &Sink::default(), false).replay("clean").unwrap());
    assert_eq!(replay.finding, None);
    let trace = trace.take();
    for step in ["seed-secret", "credential", "account"] {
        assert!(trace.contains(step), "{step} is in the trace: {trace}");
    }
}

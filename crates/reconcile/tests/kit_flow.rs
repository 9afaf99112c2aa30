//! A flow of this crate under the kit: its outcome is the claim, its timeouts run on the kit's clock.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use reconcile::{
    Change, Observe, Observed, Pass, Seen, Step, StepError, StepId,
    testkit::{Call, Fault, Faults, Kit, Reason, Report},
};

const LOOK: Call = Call::read("GET");
const CREATE: Call = Call::write("POST");

/// A cloud with names in it. A name that is created twice is there twice.
#[derive(Debug, Default)]
struct World {
    names: Mutex<Vec<&'static str>>,
}

impl World {
    fn names(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.names.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn once_each(&self) -> Result<(), String> {
        let names = self.names();
        let once = names.iter().collect::<BTreeSet<_>>().len() == names.len();
        if once { Ok(()) } else { Err("a name is there twice".into()) }
    }

    fn complete(&self) -> Result<(), String> {
        if self.names().len() == 2 { Ok(()) } else { Err(format!("only {:?} is there", self.names())) }
    }
}

struct Client<'w> {
    world: &'w World,
    faults: &'w Faults,
}

fn lost(_: Fault) -> StepError {
    StepError::transient("no_answer")
}

impl Client<'_> {
    async fn has(&self, name: &str) -> Result<bool, StepError> {
        self.faults.call(LOOK, || self.world.names().contains(&name)).await.map_err(lost)
    }

    async fn create(&self, name: &'static str) -> Result<(), StepError> {
        self.faults.call(CREATE, || self.world.names().push(name)).await.map_err(lost)
    }
}

/// What takes a name; with a bug or without.
struct Named<'p> {
    name: &'static str,
    _needs: Option<&'p Seen<'p, ()>>,
    unknown_is_absent: bool,
}

impl<'p> Observe for Named<'p> {
    type Out = ();
    type Read = Client<'p>;

    fn id(&self) -> StepId {
        self.name.into()
    }

    fn timeout(&self) -> Option<Duration> {
        Some(Duration::from_secs(30))
    }

    async fn observe(&self, client: &Client<'p>) -> Result<Observed<()>, StepError> {
        let there = match client.has(self.name).await {
            Err(_) if self.unknown_is_absent => false,
            answer => answer?,
        };
        Ok(if there { Observed::Ready(()) } else { Observed::Absent })
    }
}

impl<'p> Step for Named<'p> {
    type Write = Client<'p>;

    async fn apply(&self, client: &Client<'p>, _: Change<'_, ()>) -> Result<(), StepError> {
        client.create(self.name).await
    }
}

/// An SVM, and a secret that needs it.
fn explore(unknown_is_absent: bool) -> (Report, u32) {
    let timeouts = Mutex::new(0);
    let pass = async |world: &World, faults: Faults| {
        let client = Client { world, faults: &faults };
        let began = faults.now();
        let pass = Pass::new("storage", ["svm", "secret"]).with_timer(&faults);
        let svm = pass.step(&Named { name: "svm", _needs: None, unknown_is_absent }, &client, &client).await;
        if let Some(svm) = &svm {
            pass.step(&Named { name: "secret", _needs: Some(svm), unknown_is_absent }, &client, &client).await;
        }
        if faults.now() > began {
            *timeouts.lock().expect("nobody panicked") += 1;
        }
        pass.finish()
    };
    let report = Kit::new(World::default, pass)
        .with_safety(World::once_each)
        .with_goal(World::complete)
        .with_quiet_passes(10)
        .with_end_state(|world| world.names().clone())
        .explore();
    let timeouts = *timeouts.lock().expect("nobody panicked");
    (report, timeouts)
}

#[test]
fn a_flow_comes_to_its_goal_whatever_strikes() {
    let (report, timeouts) = explore(false);
    report.assert_clean();
    assert!(report.all_pairs && report.pairs > 1000, "{report}");
    assert!(timeouts > 0, "no call that hangs met its timeout: {report}");
}

#[test]
fn a_step_that_takes_unknown_for_absent_is_found() {
    let (report, _) = explore(true);
    report.assert_finds(Reason::Unsafe, "a name is there twice");
    assert!(report.findings()[0].plans[0].to_string().contains("err-unsent@"), "{report}");
}

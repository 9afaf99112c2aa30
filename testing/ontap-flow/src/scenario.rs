//! From where the flow starts, and what it is to come to.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reconcile::testkit::{Faults, Kit, block_on};
use reconcile::{Outcome, StepState};

use crate::flow::{Flow, Guards, Spec};
use crate::ontap::{Habits, Name, Password};
use crate::oracle::{self, STRANGER, STRANGERS_PASSWORD};
use crate::secrets::{Credential, Secrets};
use crate::site::Site;
use crate::wire::Wire;
use crate::world::World;

/// From where the flow starts, and what it is to come to.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Scenario {
    /// One empty cluster. Caches are behind, collections lose a record.
    OneCluster,
    /// Two of them; the first one has a volume.
    TwoClusters,
    /// One, and calls that are never answered; every step must give up, and does after 30 s.
    Silent,
    /// The SVM is on the fuller one of two clusters, and the journal was lost.
    LostJournal,
    /// ONTAP fails: the first SVM does not come to life, the first LIF is made half.
    Clumsy,
    /// All was there, and somebody changed it: the SVM stopped, NVMe off, LIFs moved and disabled, another password,
    /// another secret, one deleted.
    Drifted,
    /// All was there, and less is wanted now: one LIF for data in the place of four.
    Shrunk,
    /// Somebody else has an SVM of this name.
    ForeignSvm,
    /// Somebody else has a secret of this name in the seed.
    ForeignSecret,
    /// All is there, and is to go.
    Removal,
    /// It is to go, and the SVM of this name is somebody else's.
    ForeignRemoval,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::OneCluster,
        Self::TwoClusters,
        Self::Silent,
        Self::LostJournal,
        Self::Clumsy,
        Self::Drifted,
        Self::Shrunk,
        Self::ForeignSvm,
        Self::ForeignSecret,
        Self::Removal,
        Self::ForeignRemoval,
    ];

    /// The kit for the flow with these guards: world, pass, and all oracles.
    pub fn kit(self, guards: Guards) -> Kit<'static, Site> {
        let (world, spec) = (self.world(), self.spec());
        let timeout = (self == Self::Silent).then_some(Duration::from_secs(30));
        let make = move || Site::new(world.clone(), spec.clone(), guards).with_timeout(timeout);
        let kit = Kit::new(make, async move |site: &Site, faults: Faults| self.pass(site, faults).await)
            .with_safety(oracle::safe)
            .with_end_state(|site: &Site| oracle::end(site, true))
            .with_secrets([crate::world::CANARY, STRANGERS_PASSWORD], Site::take_shown);
        match self {
            Self::ForeignSvm | Self::ForeignSecret => kit,
            Self::Removal | Self::ForeignRemoval => kit.with_goal(oracle::removed),
            Self::Silent => kit.with_goal(oracle::provided).with_timeouts_required(),
            _ => kit.with_goal(oracle::provided),
        }
    }

    /// One pass, and whether it says that it has come to what it is to come to.
    async fn pass(self, site: &Site, faults: Faults) -> bool {
        match self {
            Self::Removal | Self::ForeignRemoval => site.remove(faults).await.is_converged(),
            // The flow is held, says by what, and goes no further.
            Self::ForeignSvm => is_held_by_stranger(&site.provide(faults).await, "svm"),
            Self::ForeignSecret => is_held_by_stranger(&site.provide(faults).await, "seed-secret"),
            _ => site.provide(faults).await.is_converged(),
        }
    }

    /// What is wanted in it.
    pub fn spec(self) -> Spec {
        match self {
            Self::Shrunk => Spec { data: addresses(1), ..Spec::example() },
            _ => Spec::example(),
        }
    }

    /// The world that it starts from.
    pub fn world(self) -> World {
        let (one, two) = (|| World::new(1, Habits::default()), || World::new(2, Habits::default()));
        match self {
            Self::OneCluster | Self::Silent => one().with_blurred_reads(),
            Self::TwoClusters => uneven(two()).with_blurred_reads(),
            Self::LostJournal => lost_journal(two()),
            Self::Clumsy => World::new(1, Habits { failing_svms: 1, inconsistent_lifs: 1, ..Habits::default() }),
            Self::Drifted => drifted(settled(one(), Spec::example())),
            Self::Shrunk => settled(one(), Spec { data: addresses(4), ..Spec::example() }),
            Self::ForeignSvm => foreign_svm(one()),
            Self::ForeignSecret => foreign_secret(one()),
            Self::Removal => settled(two(), Spec::example()),
            Self::ForeignRemoval => foreign_svm(settled_then_emptied(two())),
        }
    }
}

fn is_held_by_stranger(outcome: &Outcome, step: &'static str) -> bool {
    let held = |state: &StepState| matches!(state, StepState::Foreign(_) | StepState::NotReached);
    let by = outcome.step(&step.into()).is_some_and(|report| matches!(report.state, StepState::Foreign(_)));
    by && outcome.held().all(|report| held(&report.state))
}

fn addresses(count: u8) -> Vec<Ipv4Addr> {
    (1..=count).map(|last| Ipv4Addr::new(10, 0, 1, last)).collect()
}

/// The flow, with others who change the world and the specification: for drawn sequences.
///
/// It ends as the same edits end without faults, but the counts may differ: a LIF that was deleted is made again.
pub fn among_others(clusters: u8) -> Kit<'static, Site> {
    let world = World::new(clusters, Habits::default());
    let make = move || Site::new(world.clone(), Spec::example(), Guards::ALL);
    Kit::new(make, async |site: &Site, faults: Faults| site.provide(faults).await)
        .with_safety(oracle::safe)
        .with_goal(oracle::provided)
        .with_end_state(|site: &Site| oracle::end(site, false))
        .with_secrets([crate::world::CANARY, STRANGERS_PASSWORD], Site::take_shown)
        .with_event("spec", |site: &Site, number| site.want(some_spec(number)))
        .with_event("edit", |site: &Site, number| site.edit(|world| some_edit(world, number)))
        .with_clock_jumps([-3600, -1, 1, 30, 400, 86_400])
}

fn some_spec(number: u64) -> Spec {
    let count = u8::try_from(number % 5).unwrap_or_default();
    let mut data = addresses(count);
    if number % 3 == 1 {
        data.reverse();
    }
    let management = Ipv4Addr::new(10, 0, 0, if number.is_multiple_of(2) { 1 } else { 2 });
    Spec { data, management, ..Spec::example() }
}

fn some_edit(world: &mut World, number: u64) {
    let cluster = &mut world.clusters[0];
    match number % 12 {
        0 => cluster.someone_stops_svms(),
        1 => cluster.someone_disables_nvme(),
        2 => cluster.someone_moves_lif("datalif0", Ipv4Addr::new(10, 9, 9, 9)),
        3 => cluster.someone_moves_lif(Spec::MANAGEMENT_LIF, Ipv4Addr::new(10, 9, 9, 8)),
        4 => cluster.someone_disables_lifs(),
        5 => cluster.someone_deletes_lif("datalif1"),
        6 => cluster.someone_sets_passwords(&Password::new(STRANGERS_PASSWORD)),
        7 => cluster.someone_deletes_accounts(),
        8 => world.seed.update(|secrets| overwrite(secrets, &strangers_credential())),
        9 => world.shoot.update(|secrets| overwrite(secrets, &strangers_credential())),
        10 => world.shoot.update(forget),
        _ => world.shelf.someone_clears_it(),
    }
}

fn forget(secrets: &mut Secrets) {
    if let Some(stored) = secrets.get(&Spec::example().shoot) {
        // The version was read a moment ago, under the same lock.
        let _ = secrets.delete(&stored.name, stored.resource_version);
    }
}

/// The world when the flow has done its work in it, and nothing was in its way.
///
/// # Panics
/// If the flow does not converge.
pub fn settled(world: World, spec: Spec) -> World {
    let world = Arc::new(Mutex::new(world));
    let flow = Flow::new(spec);
    let converged = (0..10).any(|_| {
        world.lock().expect("nobody panicked").wait(crate::flow::AGAIN);
        let pass = flow.pass();
        block_on(flow.run(&pass, Wire::straight(Arc::clone(&world))));
        pass.finish().is_converged()
    });
    assert!(converged, "the flow does not converge where nothing is in its way");
    let world = world.lock().expect("nobody panicked");
    world.clone()
}

fn uneven(mut world: World) -> World {
    world.clusters[0].habits.volume_count = 1;
    world
}

fn lost_journal(mut world: World) -> World {
    let Spec { svm, mark, .. } = Spec::example();
    world.clusters[1].someone_makes_svm(&svm, &mark);
    world.clusters[1].habits.volume_count = 7;
    world
}

fn foreign_svm(mut world: World) -> World {
    world.clusters[0].someone_makes_svm(&Spec::example().svm, &Name::from(STRANGER));
    world
}

fn strangers_credential() -> Credential {
    Credential { username: Spec::example().shoot, password: Password::new(STRANGERS_PASSWORD) }
}

fn foreign_secret(mut world: World) -> World {
    let name = Spec::example().shoot;
    let created = world.seed.update(|secrets| secrets.create(&name, &Name::from(STRANGER), strangers_credential()));
    debug_assert!(created.is_ok(), "nothing is there yet");
    world
}

fn drifted(mut world: World) -> World {
    let cluster = &mut world.clusters[0];
    cluster.someone_stops_svms();
    cluster.someone_disables_nvme();
    cluster.someone_moves_lif("datalif1", Ipv4Addr::new(10, 9, 9, 9));
    cluster.someone_deletes_lif("datalif0");
    cluster.someone_disables_lifs();
    cluster.someone_sets_passwords(&Password::new(STRANGERS_PASSWORD));
    world.shoot.update(|secrets| overwrite(secrets, &strangers_credential()));
    world
}

/// Somebody writes something else into a secret, if it is there.
pub fn overwrite(secrets: &mut Secrets, credential: &Credential) {
    if let Some(stored) = secrets.get(&Spec::example().shoot) {
        // The version was read a moment ago, under the same lock.
        let _ = secrets.update(&stored.name, stored.resource_version, credential.clone());
    }
}

fn settled_then_emptied(world: World) -> World {
    let mut world = settled(world, Spec::example());
    world.clusters[0] = crate::ontap::Cluster::new(0, Habits::default());
    world
}

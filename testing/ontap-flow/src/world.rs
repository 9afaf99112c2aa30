//! Everything outside of the flow: clusters, secrets, the journal, and the time.

use std::time::Duration;

use reconcile::testkit::Versions;

use crate::journal::Shelf;
use crate::ontap::{Cluster, Counts, Habits, Password, Request, Response};
use crate::secrets::Secrets;
use crate::wire::Subject;

/// In every password that is minted here: the word that no log may show.
pub const CANARY: &str = "canary";

/// How reads can go wrong.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reads {
    /// They fail, or they are exact.
    #[default]
    Exact,
    /// Secrets can also be read from a cache that is some writes behind, and a named thing can be missed in a collection.
    Blurred,
}

/// How many writes a cache can be behind.
const BEHIND: u32 = 2;

/// Everything outside of the flow.
#[derive(Clone, Debug)]
pub struct World {
    /// The time since the beginning.
    pub now: Duration,
    /// The storage clusters.
    pub clusters: Vec<Cluster>,
    /// The secrets of the cluster that hosts control planes.
    pub seed: Versions<Secrets>,
    /// The secrets of the cluster that uses the storage.
    pub shoot: Versions<Secrets>,
    /// Where the journal lies.
    pub shelf: Shelf,
    /// How reads can go wrong.
    pub reads: Reads,
    /// Writes to something whose read had failed in the same pass. There must be none.
    pub assumed: Vec<Subject>,
    minted: u32,
    kit_clock: Duration,
}

impl World {
    /// So many empty clusters.
    pub fn new(clusters: u8, habits: Habits) -> Self {
        Self {
            now: Duration::ZERO,
            clusters: (0..clusters).map(|index| Cluster::new(index, habits)).collect(),
            seed: Versions::new(Secrets::default(), 0),
            shoot: Versions::new(Secrets::default(), 0),
            shelf: Shelf::default(),
            reads: Reads::Exact,
            assumed: Vec::new(),
            minted: 0,
            kit_clock: Duration::ZERO,
        }
    }

    /// Lets reads go wrong in more ways. What was before is forgotten: it is too old for any cache.
    #[must_use]
    pub fn with_blurred_reads(mut self) -> Self {
        self.reads = Reads::Blurred;
        self.seed = Versions::new(self.seed.now().clone(), BEHIND as usize);
        self.shoot = Versions::new(self.shoot.now().clone(), BEHIND as usize);
        self
    }

    /// How many writes a read of a secret can be behind.
    pub fn behind(&self) -> u32 {
        match self.reads {
            Reads::Exact => 0,
            Reads::Blurred => BEHIND,
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        self.now += time;
        let now = self.now;
        self.clusters.iter_mut().for_each(|cluster| cluster.advance(now));
    }

    /// Lets as much time pass as has passed on the kit's clock. When that one went back, none.
    pub fn follow(&mut self, kit_clock: Duration) {
        self.wait(kit_clock.saturating_sub(self.kit_clock));
        self.kit_clock = kit_clock;
    }

    /// One request to one cluster, now.
    ///
    /// # Errors
    /// ONTAP's own.
    pub fn ontap(&mut self, cluster: usize, request: &Request) -> Response {
        self.clusters[cluster].handle(self.now, request)
    }

    /// Lets what runs on a cluster take so many looks longer.
    pub fn delay_jobs(&mut self, cluster: usize, looks: u32) {
        if looks > 0 {
            self.clusters[cluster].delay_jobs(crate::flow::AGAIN * looks);
        }
    }

    /// A password that nobody has yet.
    pub fn mint(&mut self) -> Password {
        self.minted += 1;
        Password::new(format!("{CANARY}-{:04}", self.minted))
    }

    /// What was ever done to the clusters, together.
    pub fn counts(&self) -> Counts {
        self.clusters.iter().map(Cluster::counts).fold(Counts::default(), Counts::plus)
    }

    /// All writes ever: to clusters, secrets and the journal, refused ones included.
    pub fn writes(&self) -> u32 {
        self.counts().writes + self.seed.now().writes() + self.shoot.now().writes() + self.shelf.writes()
    }
}

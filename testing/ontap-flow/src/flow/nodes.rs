//! The nodes of the cluster: looked at, never changed.

use std::time::Duration;

use reconcile::{Observe, Observed, Seen, StepError, StepId};

use super::{Flow, Placement};
use crate::client::Reader;
use crate::ontap::{Node, Uuid};

/// The nodes of the cluster that was chosen.
#[derive(Debug)]
pub struct NodesStep<'p> {
    /// What is wanted.
    pub flow: &'p Flow,
    /// Where.
    pub placement: &'p Seen<'p, Placement>,
}

/// The nodes, at least one.
#[derive(Debug)]
pub struct Nodes {
    all: Vec<Node>,
}

impl Nodes {
    /// The home of the LIF of this index: round and round.
    pub fn home(&self, index: usize) -> Uuid {
        self.all[index % self.all.len()].uuid
    }
}

impl Observe for NodesStep<'_> {
    type Out = Nodes;
    type Read = Reader;

    fn id(&self) -> StepId {
        "nodes".into()
    }

    fn timeout(&self) -> Option<Duration> {
        self.flow.timeout
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<Nodes>, StepError> {
        let all = read.nodes(self.placement.cluster).await?;
        Ok(if all.is_empty() { Observed::Absent } else { Observed::Ready(Nodes { all }) })
    }
}

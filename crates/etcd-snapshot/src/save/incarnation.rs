//! Whose snapshots a home holds.

use super::SaveOptions;
use crate::home::{Home, Inventory};
use crate::live::Status;
use crate::{Advice, Error, Result};

/// The incarnation that a save belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Incarnation {
    pub(super) number: u32,
    /// It is not declared yet: that is done right before the commit, so that a save that fails binds a home to nobody.
    new: bool,
}

impl Incarnation {
    /// The one after this, which nobody has declared.
    pub(super) fn next(self) -> Self {
        Self { number: self.number.saturating_add(1), new: true }
    }
}

/// Settles which incarnation a save of the cluster of `status` belongs to, and refuses another cluster's home. Reads only.
pub(super) async fn settle(home: &Home, status: &Status, options: &SaveOptions) -> Result<Incarnation> {
    home.require_known_format().await?;
    let inventory = home.inventory().await?;
    let number = inventory.incarnation;
    if number == 0 {
        return Ok(Incarnation { number: 1, new: true });
    }
    let same_cluster = home.incarnation(number).await? == Some(status.cluster_id);
    let went_back = newest_of(&inventory, number).filter(|newest| *newest > status.revision);
    match went_back {
        None if same_cluster => Ok(Incarnation { number, new: false }),
        _ if options.new_incarnation => Ok(Incarnation { number, new: false }.next()),
        Some(newest) if same_cluster => Err(Error::refused(format!(
            "{home} holds revision {newest} of this cluster, and the member stands at {}: if the cluster was restored, declare a new incarnation; if the member is behind, wait",
            status.revision
        ))
        .with_advice(Advice::NewIncarnation)),
        _ => require_cluster(home, number, status).await.map(|()| Incarnation { number, new: false }),
    }
}

/// The newest revision that the home has of incarnation `number`.
fn newest_of(inventory: &Inventory, number: u32) -> Option<i64> {
    inventory.newest().filter(|newest| newest.incarnation == number).map(|newest| newest.revision)
}

/// Declares what [`settle`] found.
///
/// The record of an incarnation is created, never overwritten, so that of two clusters that race for an empty home one
/// wins and the other is refused.
pub(super) async fn declare(
    home: &Home,
    incarnation: Incarnation,
    status: &Status,
    options: &SaveOptions,
) -> Result<()> {
    home.lay_marker().await?;
    if incarnation.new && home.declare(incarnation.number, status.cluster_id, options.host.as_ref()).await? {
        return Ok(());
    }
    require_cluster(home, incarnation.number, status).await
}

async fn require_cluster(home: &Home, number: u32, status: &Status) -> Result<()> {
    match home.incarnation(number).await? {
        Some(cluster_id) if cluster_id == status.cluster_id => Ok(()),
        Some(cluster_id) => Err(Error::refused(format!(
            "{home} holds cluster {cluster_id}, and this is cluster {}: nothing was written; use a place of its own for each cluster, or declare a new incarnation if this one was restored from it",
            status.cluster_id
        ))
        .with_advice(Advice::NewIncarnation)),
        None => Err(Error::damaged(format!("the record of incarnation {number} is gone from {home}: use a new place"))),
    }
}

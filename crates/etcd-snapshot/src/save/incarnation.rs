//! Whose snapshots a home holds.

use super::SaveOptions;
use crate::home::Home;
use crate::live::Status;
use crate::{Error, Result};

/// The incarnation that a save of the cluster of `status` belongs to. Refuses another cluster's home.
///
/// The record of an incarnation is created, never overwritten, so that of two clusters that race for an empty home one
/// wins and the other is refused.
pub(super) async fn settle(home: &Home, status: &Status, options: &SaveOptions) -> Result<u32> {
    home.lay_marker().await?;
    let inventory = home.inventory().await?;
    let current = inventory.incarnation;
    let number = match current {
        0 => return declare(home, 1, status, options).await,
        _ if options.new_incarnation => return declare(home, current.saturating_add(1), status, options).await,
        number => number,
    };
    require_cluster(home, number, status).await?;
    if let Some(newest) = inventory.snapshots.first()
        && newest.incarnation == number
        && newest.revision > status.revision
    {
        return Err(Error::refused(format!(
            "{home} holds revision {} of this cluster, and the member stands at {}: if the cluster was restored, say so with --new-incarnation; if the member is behind, wait",
            newest.revision, status.revision
        )));
    }
    Ok(number)
}

async fn declare(home: &Home, number: u32, status: &Status, options: &SaveOptions) -> Result<u32> {
    if home.declare(number, status.cluster_id, options.host.as_ref()).await? {
        return Ok(number);
    }
    require_cluster(home, number, status).await?;
    Ok(number)
}

async fn require_cluster(home: &Home, number: u32, status: &Status) -> Result<()> {
    match home.incarnation(number).await? {
        Some(cluster_id) if cluster_id == status.cluster_id => Ok(()),
        Some(cluster_id) => Err(Error::refused(format!(
            "{home} holds cluster {cluster_id}, and this is cluster {}: nothing was written; use a place of its own for each cluster, or say --new-incarnation if this one was restored from it",
            status.cluster_id
        ))),
        None => Err(Error::damaged(format!("the record of incarnation {number} is gone from {home}: use a new place"))),
    }
}

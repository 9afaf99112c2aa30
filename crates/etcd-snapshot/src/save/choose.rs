//! From which member a snapshot is taken.

use crate::hex::Hex64;
use crate::live::{Endpoint, Status};
use crate::{Advice, Error, Result};

/// A member that is further behind than this, in log entries, is not asked for a snapshot while a closer one answers.
///
/// Endpoints are asked one after another while writes go on, so that some distance is normal: at 10,000 writes a second,
/// 100 ms are a thousand entries.
const LAG_MAX: u64 = 1_000;

/// The member that was chosen, and what else is known of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) endpoint: String,
    pub(crate) status: Status,
    /// Why this one, in words.
    pub(crate) why: &'static str,
    /// Endpoints of other members of the cluster that answered, those that do not lead first.
    pub(crate) others: Vec<(String, Hex64)>,
    /// Why endpoints did not answer.
    pub(crate) silent: Vec<String>,
}

/// Chooses a healthy, caught-up member that does not lead, so that the stream costs the leader nothing.
pub(crate) fn choose(endpoints: Vec<Endpoint>) -> Result<Chosen> {
    let (members, silent) = answering(endpoints)?;
    one_cluster(&members)?;
    let healthy = healthy(&members)?;
    let ahead = healthy.iter().map(|(_, status)| status.raft_applied_index).max().unwrap_or(0);
    let mut candidates = healthy;
    candidates.retain(|(_, status)| ahead.saturating_sub(status.raft_applied_index) <= LAG_MAX);
    candidates.sort_by_key(|(_, status)| {
        (status.is_learner, status.is_leader(), std::cmp::Reverse(status.raft_applied_index))
    });
    let Some((endpoint, status)) = candidates.into_iter().next().cloned() else {
        return Err(Error::unreachable("no member is fit to send a snapshot: look at `etcdctl endpoint status`"));
    };
    let why = match (status.is_learner, status.is_leader()) {
        _ if members.len() == 1 => "it is the only one that answers",
        (true, _) => "the others that answer are behind, or learners too",
        (false, true) => "no other member is caught up",
        (false, false) => "it does not lead and is caught up",
    };
    let others = others(&members, &status);
    Ok(Chosen { endpoint, status, why, others, silent })
}

/// An endpoint that answered, and what.
type Answer = (String, Status);

/// Those that answered, and why the others did not; an error that names the reason of each if none did.
fn answering(endpoints: Vec<Endpoint>) -> Result<(Vec<Answer>, Vec<String>)> {
    let mut members = Vec::new();
    let mut failures = Vec::new();
    for endpoint in endpoints {
        match endpoint.status {
            Ok(status) => members.push((endpoint.url, status)),
            Err(e) => failures.push(e.about(&endpoint.url)),
        }
    }
    if !members.is_empty() {
        return Ok((members, failures.iter().map(ToString::to_string).collect()));
    }
    let Some(first) = failures.pop() else {
        return Err(Error::usage("no endpoint was given: name at least one").with_advice(Advice::Endpoints));
    };
    Err(failures.into_iter().fold(first, |all, failure| all.and(&failure.to_string())))
}

fn one_cluster(members: &[(String, Status)]) -> Result<()> {
    let Some(((first_url, first), rest)) = members.split_first() else { return Ok(()) };
    match rest.iter().find(|(_, status)| status.cluster_id != first.cluster_id) {
        None => Ok(()),
        Some((url, status)) => Err(Error::refused(format!(
            "{first_url} is of cluster {} and {url} of cluster {}: name the endpoints of one cluster",
            first.cluster_id, status.cluster_id
        ))
        .with_advice(Advice::Endpoints)),
    }
}

/// Never from a member that is known to be corrupt, whoever knows it.
fn healthy(members: &[(String, Status)]) -> Result<Vec<&(String, Status)>> {
    let corrupt: Vec<Hex64> = members.iter().flat_map(|(_, status)| status.corrupt.iter().copied()).collect();
    let healthy: Vec<_> = members.iter().filter(|(_, status)| !corrupt.contains(&status.member_id)).collect();
    if !healthy.is_empty() {
        return Ok(healthy);
    }
    let ids: Vec<String> = corrupt.iter().map(ToString::to_string).collect();
    Err(Error::refused(format!(
        "the alarm CORRUPT is raised for member {}: nothing was saved; name the endpoints of healthy members, or restore an older snapshot",
        ids.join(", ")
    )))
}

fn others(members: &[(String, Status)], chosen: &Status) -> Vec<(String, Hex64)> {
    let mut others: Vec<_> = members
        .iter()
        .filter(|(_, status)| status.member_id != chosen.member_id && !status.is_learner)
        .map(|(url, status)| (status.is_leader(), url.clone(), status.member_id))
        .collect();
    others.sort();
    others.dedup_by_key(|(_, _, id)| *id);
    others.into_iter().map(|(_, url, id)| (url, id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn member(url: &str, id: u64, leader: u64, applied: u64) -> Endpoint {
        let mut status = Status::new(1, id, 10);
        status.leader = Hex64(leader);
        status.raft_applied_index = applied;
        Endpoint { url: url.to_owned(), status: Ok(status) }
    }

    #[test]
    fn prefers_a_caught_up_member_that_does_not_lead() {
        let chosen =
            choose(vec![member("leader", 1, 1, 9_000), member("lagging", 2, 1, 10), member("good", 3, 1, 8_990)])
                .unwrap();
        assert_eq!(chosen.endpoint, "good");
        assert_eq!(chosen.others.iter().map(|(url, _)| url.as_str()).collect::<Vec<_>>(), ["lagging", "leader"]);
        let chosen = choose(vec![member("leader", 1, 1, 9_000), member("lagging", 2, 1, 10)]).unwrap();
        assert_eq!(chosen.endpoint, "leader");
    }

    #[test]
    fn refuses_two_clusters_and_corrupt_members() {
        let mut stranger = Status::new(2, 9, 10);
        stranger.leader = Hex64(9);
        let stranger = Endpoint { url: "stranger".to_owned(), status: Ok(stranger) };
        let refused = choose(vec![member("a", 1, 1, 5), stranger]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
        assert!(
            refused.to_string().contains("stranger is of cluster")
                || refused.to_string().contains("and stranger of cluster"),
            "{refused}"
        );

        let mut corrupt = Status::new(1, 1, 10);
        corrupt.corrupt = vec![Hex64(1), Hex64(2)];
        let corrupt = Endpoint { url: "a".to_owned(), status: Ok(corrupt) };
        let refused = choose(vec![corrupt, member("b", 2, 1, 5)]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
    }

    #[test]
    fn says_why_each_endpoint_failed() {
        let down =
            |url: &str| Endpoint { url: url.to_owned(), status: Err(Error::unreachable(format!("{url} is down"))) };
        let error = choose(vec![down("a"), down("b")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.to_string().contains("a is down") && error.to_string().contains("b is down"), "{error}");
    }
}

//! The cluster that a restore founds.

use std::collections::BTreeMap;

use super::{ClusterId, Member, MemberId, MembershipError, PeerUrls, cluster_id};

/// What `--initial-cluster` and `--initial-cluster-token` say: every member of the new cluster, all of them voters.
///
/// Each member is written by its own restore with the same initial cluster, token and snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialCluster {
    id: ClusterId,
    members: Vec<Member>,
}

impl InitialCluster {
    /// Reads `NAME=URL,NAME=URL,…`. A name that stands several times has several URLs. Empty entries are passed over.
    ///
    /// # Errors
    ///
    /// Those of [`PeerUrls::new`]; [`Entry`](MembershipError::Entry), [`Empty`](MembershipError::Empty),
    /// [`DuplicateUrl`](MembershipError::DuplicateUrl), [`Id`](MembershipError::Id).
    pub fn parse(list: &str, token: &str) -> Result<Self, MembershipError> {
        let mut urls_of = BTreeMap::<&str, Vec<&str>>::new();
        for entry in list.split(',').filter(|entry| !entry.is_empty()) {
            let (name, url) = entry
                .split_once('=')
                .filter(|(name, url)| !name.is_empty() && !url.trim().is_empty())
                .ok_or_else(|| MembershipError::Entry { entry: entry.to_owned() })?;
            urls_of.entry(name).or_default().push(url);
        }
        let members = urls_of
            .into_iter()
            .map(|(name, urls)| Ok(Member::new(name, &PeerUrls::new(urls)?, token)))
            .collect::<Result<Vec<_>, MembershipError>>()?;
        Self::new(members)
    }

    fn new(mut members: Vec<Member>) -> Result<Self, MembershipError> {
        if members.is_empty() {
            return Err(MembershipError::Empty);
        }
        check_urls(&members)?;
        members.sort_by_key(Member::id);
        check_ids(&members)?;
        Ok(Self { id: cluster_id(members.iter().map(Member::id)), members })
    }

    /// The id of the cluster.
    #[must_use]
    pub fn id(&self) -> ClusterId {
        self.id
    }

    /// The members, ascending by id; at least one.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The ids of the members, ascending. All of them vote.
    pub fn voters(&self) -> impl Iterator<Item = MemberId> {
        self.members.iter().map(Member::id)
    }

    /// The index of the last log entry of a fresh member: one entry for each member. Its term is [`INITIAL_TERM`].
    ///
    /// [`INITIAL_TERM`]: crate::wal::INITIAL_TERM
    #[must_use]
    pub fn last_index(&self) -> u64 {
        self.members.len() as u64
    }

    /// The member with this name.
    ///
    /// # Errors
    ///
    /// [`MembershipError::UnknownMember`].
    pub fn member(&self, name: &str) -> Result<&Member, MembershipError> {
        self.members.iter().find(|member| member.name() == name).ok_or_else(|| MembershipError::UnknownMember {
            name: name.to_owned(),
            known: self.members.iter().map(|member| member.name().to_owned()).collect(),
        })
    }

    /// The member with this name, if it advertises what the initial cluster says of it.
    ///
    /// Texts are compared. etcd also resolves names and compares addresses; a caller who wants that does so on
    /// [`MembershipError::Advertised`], which carries both lists.
    ///
    /// # Errors
    ///
    /// [`MembershipError::UnknownMember`], [`MembershipError::Advertised`].
    pub fn local_member(&self, name: &str, advertised: &PeerUrls) -> Result<&Member, MembershipError> {
        let member = self.member(name)?;
        let expected = PeerUrls::new(member.peer_urls().iter().map(String::as_str))?;
        if expected == *advertised {
            Ok(member)
        } else {
            Err(MembershipError::Advertised { name: name.to_owned(), advertised: advertised.clone(), expected })
        }
    }
}

fn check_urls(members: &[Member]) -> Result<(), MembershipError> {
    let mut urls: Vec<&String> = members.iter().flat_map(Member::peer_urls).collect();
    urls.sort_unstable();
    match urls.iter().zip(urls.iter().skip(1)).find(|(a, b)| a == b) {
        Some((url, _)) => Err(MembershipError::DuplicateUrl { url: (*url).clone() }),
        None => Ok(()),
    }
}

/// Expects members in order of their ids.
fn check_ids(members: &[Member]) -> Result<(), MembershipError> {
    let clash = |members: &[&Member], id: MemberId| MembershipError::Id {
        names: members.iter().map(|member| member.name().to_owned()).collect(),
        id: id.to_string(),
    };
    for pair in members.windows(2) {
        if let [a, b] = pair
            && a.id() == b.id()
        {
            return Err(clash(&[a, b], a.id()));
        }
    }
    match members.first() {
        Some(member) if member.id() == MemberId::new(0) => Err(clash(&[member], member.id())),
        _ => Ok(()),
    }
}

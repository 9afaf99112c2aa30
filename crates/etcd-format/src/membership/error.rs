//! What can be wrong with flags and members.

use super::PeerUrls;

/// A member or an initial cluster that etcd would refuse. The text says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// A peer URL that etcd does not accept.
    #[error("peer URL {url:?}: {reason}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it, and what to write.
        reason: &'static str,
    },
    /// No peer URL at all.
    #[error("no peer URL was given: write http://HOST:2380 or https://HOST:2380")]
    NoUrl,
    /// An entry of the initial cluster without a URL.
    #[error("entry {entry:?} of the initial cluster names no peer URL: write NAME=http://HOST:2380")]
    Entry {
        /// The entry as given.
        entry: String,
    },
    /// The initial cluster names nobody.
    #[error(
        "the initial cluster is empty: write NAME=http://HOST:2380, one entry for each member, with commas between them"
    )]
    Empty,
    /// The same URL twice in one initial cluster.
    #[error("peer URL {url} stands twice in the initial cluster: give every member URLs of its own")]
    DuplicateUrl {
        /// The URL.
        url: String,
    },
    /// Two members with one id, or a member with the id 0, which raft does not allow.
    #[error("members {names:?} would get the id {id}: change the token or a peer URL")]
    Id {
        /// The names, one or two of them.
        names: Vec<String>,
        /// The id, in hexadecimal.
        id: String,
    },
    /// A member that the initial cluster does not have.
    #[error(
        "member {name:?} is not in the initial cluster, which has {known:?}: take one of these names, or add the member"
    )]
    UnknownMember {
        /// The name that was asked for.
        name: String,
        /// The names that there are, in order of their ids.
        known: Vec<String>,
    },
    /// The advertised URLs of a member are not those of the initial cluster.
    #[error(
        "member {name:?} advertises {advertised}, but the initial cluster says {expected}: make the two equal, text for text"
    )]
    Advertised {
        /// The member.
        name: String,
        /// What it advertises.
        advertised: PeerUrls,
        /// What the initial cluster says.
        expected: PeerUrls,
    },
    /// A value of the `members` bucket that is not a member.
    #[error("a member record is damaged: {reason}")]
    Record {
        /// What the JSON parser says.
        reason: String,
    },
}

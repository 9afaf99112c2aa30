//! Who is in a cluster: ids, peer URLs, members and the `--initial-cluster` that a fresh cluster starts from.
//!
//! etcd derives every id from text: a member's from its peer URLs and the cluster's token, the cluster's from its
//! members' ids. So the same flags always give the same cluster, and a token used twice gives two clusters that believe
//! to be one: take a fresh token for every restore.
//!
//! ```
//! use etcd_format::membership::InitialCluster;
//!
//! let cluster = InitialCluster::parse("default=http://localhost:2380", "etcd-cluster")?;
//! assert_eq!(cluster.id().to_string(), "cdf818194e3a8c32");
//! assert_eq!(cluster.members()[0].id().to_string(), "8e9e05c52164694d");
//! # Ok::<(), etcd_format::membership::MembershipError>(())
//! ```
//!
//! Source: etcd v3.6.15 `server/etcdserver/api/membership/{member,cluster}.go` and `client/pkg/types/{id,urls,urlsmap}.go`;
//! v3.4.45 and v3.5.34 do the same.

mod cluster;
mod conf_state;
mod error;
pub(crate) mod go_json;
mod id;
mod member;
mod urls;

pub use cluster::InitialCluster;
pub use conf_state::ConfState;
pub use error::MembershipError;
pub use id::{ClusterId, MemberId, cluster_id, member_id};
pub use member::Member;
pub use urls::PeerUrls;

//! What a cluster has in it, as its API shows it.

use std::fmt;
use std::net::Ipv4Addr;

use super::id::{Name, Uuid};

/// A state of an SVM.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "ONTAP's own words")]
pub enum SvmState {
    Initializing,
    Starting,
    Running,
    Stopping,
    Stopped,
    Deleting,
}

impl fmt::Display for SvmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initializing => "initializing",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Deleting => "deleting",
        })
    }
}

/// A storage virtual machine. What was not asked for with `fields` is `None`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Svm {
    /// Its id.
    pub uuid: Uuid,
    /// Its name. Unique in the cluster.
    pub name: Name,
    /// What its maker wrote on it: a mark of ownership.
    pub comment: Option<Name>,
    /// How far it is.
    pub state: Option<SvmState>,
    /// Whether it serves NVMe.
    pub nvme: Option<bool>,
}

/// A logical interface.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lif {
    /// Its id.
    pub uuid: Uuid,
    /// The SVM that it belongs to.
    pub svm: Uuid,
    /// Its name. Unique in the SVM.
    pub name: Name,
    /// Its address. Unique in the cluster. `None`: not asked for.
    pub address: Option<Ipv4Addr>,
    /// Whether it answers. `None`: not asked for.
    pub enabled: Option<bool>,
}

/// A user of an SVM. The password can never be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// The SVM.
    pub owner: Uuid,
    /// The user. Unique in the SVM.
    pub name: Name,
    /// Whether logins are refused.
    pub locked: bool,
}

/// A node of the cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Node {
    /// Its id.
    pub uuid: Uuid,
}

/// A pool of disks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Aggregate {
    /// Its id.
    pub uuid: Uuid,
    /// How many volumes lie in it.
    pub volume_count: u32,
}

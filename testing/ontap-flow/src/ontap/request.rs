//! What may be asked, and what is answered.

use std::fmt;
use std::net::Ipv4Addr;

use super::code::Code;
use super::id::{Name, Uuid};
use super::jobs::Job;
use super::password::Password;
use super::record::{Account, Aggregate, Lif, Node, Svm, SvmState};

/// Which fields a collection returns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fields {
    /// Without `fields`: name and id only, everything else is left out.
    Keys,
    /// With `fields`: what the flow reads.
    All,
}

/// Where a page begins. The next link of an answer holds it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Page(pub(crate) usize);

impl Page {
    /// The first.
    pub const FIRST: Self = Self(0);
}

/// One request. `rest.rs` shows method, path and body of each.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are ONTAP's, by their own names")]
pub enum Request {
    GetNodes,
    GetAggregates,
    GetSvms {
        name: Option<Name>,
        fields: Fields,
        page: Page,
    },
    GetSvm {
        svm: Uuid,
    },
    PostSvm {
        name: Name,
        comment: Name,
        nvme: bool,
        return_timeout_seconds: u64,
    },
    PatchSvm {
        svm: Uuid,
        state: Option<SvmState>,
        nvme: Option<bool>,
    },
    DeleteSvm {
        svm: Uuid,
    },
    GetJob {
        job: Uuid,
    },
    GetLifs {
        svm: Uuid,
        name: Option<Name>,
        fields: Fields,
        page: Page,
    },
    PostLif {
        svm: Uuid,
        name: Name,
        address: Ipv4Addr,
        home_node: Uuid,
        service_policy: &'static str,
    },
    PatchLif {
        lif: Uuid,
        address: Option<Ipv4Addr>,
        enabled: Option<bool>,
    },
    DeleteLif {
        lif: Uuid,
    },
    GetAccount {
        owner: Uuid,
        name: Name,
    },
    PostAccount {
        owner: Uuid,
        name: Name,
        password: Password,
    },
    DeleteAccount {
        owner: Uuid,
        name: Name,
    },
    PostPassword {
        owner: Uuid,
        name: Name,
        password: Password,
    },
    /// Any read of the SVM's own API at the address of its management LIF, with these credentials.
    Login {
        address: Ipv4Addr,
        name: Name,
        password: Password,
    },
}

impl Request {
    /// Its name, for traces: `svm.post`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GetNodes => "nodes.get",
            Self::GetAggregates => "aggregates.get",
            Self::GetSvms { .. } | Self::GetSvm { .. } => "svm.get",
            Self::PostSvm { .. } => "svm.post",
            Self::PatchSvm { .. } => "svm.patch",
            Self::DeleteSvm { .. } => "svm.delete",
            Self::GetJob { .. } => "job.get",
            Self::GetLifs { .. } => "lif.get",
            Self::PostLif { .. } => "lif.post",
            Self::PatchLif { .. } => "lif.patch",
            Self::DeleteLif { .. } => "lif.delete",
            Self::GetAccount { .. } => "account.get",
            Self::PostAccount { .. } => "account.post",
            Self::DeleteAccount { .. } => "account.delete",
            Self::PostPassword { .. } => "password.post",
            Self::Login { .. } => "login",
        }
    }

    /// Whether it may change something.
    pub fn is_write(&self) -> bool {
        match self {
            Self::GetNodes | Self::GetAggregates | Self::GetSvms { .. } | Self::GetSvm { .. } => false,
            Self::GetJob { .. } | Self::GetLifs { .. } | Self::GetAccount { .. } | Self::Login { .. } => false,
            Self::PostSvm { .. } | Self::PatchSvm { .. } | Self::DeleteSvm { .. } => true,
            Self::PostLif { .. } | Self::PatchLif { .. } | Self::DeleteLif { .. } => true,
            Self::PostAccount { .. } | Self::DeleteAccount { .. } | Self::PostPassword { .. } => true,
        }
    }
}

/// A good answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 200, 201 or 202.
    pub status: u16,
    /// What it carries.
    pub body: Body,
}

/// What a good answer carries.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "one for each kind of answer")]
pub enum Body {
    Empty,
    Job(Job),
    /// A created thing: its id.
    Created(Uuid),
    Nodes(Vec<Node>),
    Aggregates(Vec<Aggregate>),
    Svms {
        records: Vec<Svm>,
        next: Option<Page>,
    },
    Svm(Svm),
    Lifs {
        records: Vec<Lif>,
        next: Option<Page>,
    },
    Accounts(Vec<Account>),
}

/// A bad answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ApiError {
    /// The code. It has the HTTP status, and the message.
    pub code: Code,
    /// The field that it is about.
    pub target: Option<&'static str>,
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self { code, target: None }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} status={} code={}", self.code.message(), self.code.status(), self.code)
    }
}

impl std::error::Error for ApiError {}

/// An answer.
pub type Response = Result<Reply, ApiError>;

//! One cluster: what it has, and the one door to it.

use std::time::Duration;

use super::id::Uuid;
use super::jobs::JobEntry;
use super::lifs::LifEntry;
use super::record::{Aggregate, Node};
use super::request::{Body, Reply, Request, Response};
use super::svms::SvmEntry;
use super::users::AccountEntry;

/// How a cluster behaves where clusters differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Habits {
    /// How long a job on an SVM takes.
    pub svm_job: Duration,
    /// How many of them may run at once. ONTAP: 5.
    pub svm_jobs_at_once: usize,
    /// How long a job that ended is still shown. ONTAP: 300 s.
    pub job_kept: Duration,
    /// Records in one page.
    pub page_size: usize,
    /// How many earlier passwords may not come back. ONTAP: 6.
    pub passwords_remembered: usize,
    /// So many of the next creations of an SVM end in failure, and leave nothing.
    pub failing_svms: u32,
    /// So many of the next creations of a LIF answer "inconsistent", and leave the LIF disabled.
    pub inconsistent_lifs: u32,
    /// Volumes in the one aggregate.
    pub volume_count: u32,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            svm_job: Duration::from_secs(6),
            svm_jobs_at_once: 5,
            job_kept: Duration::from_secs(300),
            page_size: 2,
            passwords_remembered: 6,
            failing_svms: 0,
            inconsistent_lifs: 0,
            volume_count: 0,
        }
    }
}

/// What was done to a cluster, ever.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Counts {
    /// Requests that may change something, refused ones included.
    pub writes: u32,
    /// SVMs created.
    pub svms_created: u32,
    /// SVMs deleted.
    pub svms_deleted: u32,
    /// LIFs created.
    pub lifs_created: u32,
    /// LIFs deleted.
    pub lifs_deleted: u32,
    /// Accounts created.
    pub accounts_created: u32,
    /// Accounts deleted.
    pub accounts_deleted: u32,
    /// Passwords set on an account that was there.
    pub passwords_set: u32,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            writes: self.writes + other.writes,
            svms_created: self.svms_created + other.svms_created,
            svms_deleted: self.svms_deleted + other.svms_deleted,
            lifs_created: self.lifs_created + other.lifs_created,
            lifs_deleted: self.lifs_deleted + other.lifs_deleted,
            accounts_created: self.accounts_created + other.accounts_created,
            accounts_deleted: self.accounts_deleted + other.accounts_deleted,
            passwords_set: self.passwords_set + other.passwords_set,
        }
    }
}

/// One cluster. A pure state machine: the time comes with each request.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// How it behaves.
    pub habits: Habits,
    pub(crate) index: u8,
    pub(crate) now: Duration,
    pub(crate) counts: Counts,
    pub(crate) svms: Vec<SvmEntry>,
    pub(crate) lifs: Vec<LifEntry>,
    pub(crate) accounts: Vec<AccountEntry>,
    pub(crate) jobs: Vec<JobEntry>,
    last_uuid: u32,
}

impl Cluster {
    /// An empty one with two nodes and one aggregate. The index keeps the ids of two clusters apart.
    pub fn new(index: u8, habits: Habits) -> Self {
        let (counts, last_uuid) = (Counts::default(), 15);
        let (svms, lifs, accounts, jobs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { habits, index, now: Duration::ZERO, counts, svms, lifs, accounts, jobs, last_uuid }
    }

    /// Answers one request that arrives at this time. A time before the last one is taken as the last one.
    ///
    /// # Errors
    /// ONTAP's own, by code.
    pub fn handle(&mut self, now: Duration, request: &Request) -> Response {
        self.advance(now);
        if request.is_write() {
            self.counts.writes += 1;
        }
        match request {
            Request::GetNodes => Ok(ok(Body::Nodes(vec![self.node(1), self.node(2)]))),
            Request::GetAggregates => Ok(ok(Body::Aggregates(vec![self.aggregate()]))),
            Request::GetSvms { name, fields, page } => self.get_svms(name.as_ref(), *fields, *page),
            Request::GetSvm { svm } => self.get_svm(*svm),
            Request::PostSvm { name, comment, nvme, return_timeout_seconds } => {
                self.post_svm(name, comment, *nvme, Duration::from_secs(*return_timeout_seconds))
            }
            Request::PatchSvm { svm, state, nvme } => self.patch_svm(*svm, *state, *nvme),
            Request::DeleteSvm { svm } => self.delete_svm(*svm),
            Request::GetJob { job } => self.get_job(*job),
            Request::GetLifs { svm, name, fields, page } => self.get_lifs(*svm, name.as_ref(), *fields, *page),
            Request::PostLif { svm, name, address, .. } => self.post_lif(*svm, name, *address),
            Request::PatchLif { lif, address, enabled } => self.patch_lif(*lif, *address, *enabled),
            Request::DeleteLif { lif } => self.delete_lif(*lif),
            Request::GetAccount { owner, name } => self.get_account(*owner, name),
            Request::PostAccount { owner, name, password } => self.post_account(*owner, name, password),
            Request::DeleteAccount { owner, name } => self.delete_account(*owner, name),
            Request::PostPassword { owner, name, password } => self.post_password(*owner, name, password),
            Request::Login { address, name, password } => self.login(*address, name, password),
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.settle();
    }

    /// What was done to it, ever.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn next_uuid(&mut self) -> Uuid {
        self.last_uuid += 1;
        Uuid { cluster: self.index, number: self.last_uuid }
    }

    fn node(&self, number: u32) -> Node {
        Node { uuid: Uuid { cluster: self.index, number } }
    }

    fn aggregate(&self) -> Aggregate {
        let volume_count = self.habits.volume_count + u32::try_from(self.svms.len()).unwrap_or(u32::MAX);
        Aggregate { uuid: Uuid { cluster: self.index, number: 8 }, volume_count }
    }
}

pub(crate) fn ok(body: Body) -> Reply {
    Reply { status: 200, body }
}

pub(crate) fn created(uuid: Uuid) -> Reply {
    Reply { status: 201, body: Body::Created(uuid) }
}

/// Cuts one page out of the records, and says where the next one begins.
pub(crate) fn page<T>(records: impl Iterator<Item = T>, from: usize, size: usize) -> (Vec<T>, Option<super::Page>) {
    let mut records = records.skip(from);
    let cut: Vec<T> = records.by_ref().take(size).collect();
    let next = records.next().map(|_| super::Page(from + size));
    (cut, next)
}

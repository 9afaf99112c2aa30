//! Storage virtual machines.

use std::time::Duration;

use super::cluster::{Cluster, ok, page};
use super::code::Code;
use super::id::{Name, Uuid};
use super::jobs::Work;
use super::record::{Svm, SvmState};
use super::request::{ApiError, Body, Fields, Page, Response};

/// Longest name of an SVM. 41 for one that MetroCluster mirrors.
const NAME_MAX: usize = 47;

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Phase {
    Working,
    Running,
    Stopped,
    Gone,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SvmEntry {
    pub(crate) uuid: Uuid,
    pub(crate) name: Name,
    pub(crate) comment: Name,
    pub(crate) nvme: bool,
    pub(crate) phase: Phase,
}

impl Cluster {
    pub(crate) fn get_svms(&self, name: Option<&Name>, fields: Fields, from: Page) -> Response {
        let matching = self.svms.iter().filter(|svm| name.is_none_or(|name| svm.name == *name));
        let (records, next) = page(matching, from.0, self.habits.page_size);
        let records = records.into_iter().map(|svm| self.shown(svm, fields)).collect();
        Ok(ok(Body::Svms { records, next }))
    }

    pub(crate) fn get_svm(&self, uuid: Uuid) -> Response {
        Ok(ok(Body::Svm(self.shown(self.svm(uuid)?, Fields::All))))
    }

    /// Creates one: the answer comes at once, the SVM runs when the job is done. Until then it is shown as initializing,
    /// then as starting.
    pub(crate) fn post_svm(&mut self, name: &Name, comment: &Name, nvme: bool, return_timeout: Duration) -> Response {
        if name.len() > NAME_MAX {
            return Err(Code::SVM_NAME_TOO_LONG.into());
        }
        if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return Err(ApiError { code: Code::BAD_FIELD, target: Some("name") });
        }
        if let Some(svm) = self.svms.iter().find(|svm| svm.name == *name) {
            let creating = self.running_jobs().any(|job| job.svm == svm.uuid && job.work == Work::Create);
            return Err(if creating { Code::SVM_BEING_CREATED } else { Code::SVM_NAME_IN_USE }.into());
        }
        self.refuse_if_full()?;
        let uuid = self.next_uuid();
        let (name, comment) = (Name::clone(name), Name::clone(comment));
        self.svms.push(SvmEntry { uuid, name, comment, nvme, phase: Phase::Working });
        self.counts.svms_created += 1;
        let fails = self.habits.failing_svms > 0;
        self.habits.failing_svms -= u32::from(fails);
        self.start_job(uuid, if fails { Work::FailToCreate } else { Work::Create }, return_timeout)
    }

    pub(crate) fn patch_svm(&mut self, uuid: Uuid, state: Option<SvmState>, nvme: Option<bool>) -> Response {
        self.svm(uuid)?;
        self.refuse_if_busy(uuid)?;
        let svm = self.svms.iter_mut().find(|svm| svm.uuid == uuid).ok_or(Code::NOT_THERE)?;
        svm.nvme = nvme.unwrap_or(svm.nvme);
        let work = match (state, svm.phase) {
            (Some(SvmState::Running), Phase::Stopped) => Work::Start,
            (Some(SvmState::Stopped), Phase::Running) => Work::Stop,
            _ => return Ok(ok(Body::Empty)),
        };
        svm.phase = Phase::Working;
        self.start_job(uuid, work, Duration::ZERO)
    }

    /// Deletes one, with its LIFs and accounts. It is there as deleting until the job is done.
    pub(crate) fn delete_svm(&mut self, uuid: Uuid) -> Response {
        self.svm(uuid)?;
        self.refuse_if_busy(uuid)?;
        if let Some(svm) = self.svms.iter_mut().find(|svm| svm.uuid == uuid) {
            svm.phase = Phase::Working;
        }
        self.counts.svms_deleted += 1;
        self.start_job(uuid, Work::Delete, Duration::ZERO)
    }

    pub(crate) fn svm(&self, uuid: Uuid) -> Result<&SvmEntry, ApiError> {
        self.svms.iter().find(|svm| svm.uuid == uuid).ok_or(Code::NOT_THERE.into())
    }

    /// Drops what went with an SVM that is gone.
    pub(crate) fn sweep(&mut self) {
        if self.svms.iter().any(|svm| svm.phase == Phase::Gone) {
            self.svms.retain(|svm| svm.phase != Phase::Gone);
            self.lifs.retain(|lif| self.svms.iter().any(|svm| svm.uuid == lif.svm));
            self.accounts.retain(|account| self.svms.iter().any(|svm| svm.uuid == account.owner));
        }
    }

    fn shown(&self, svm: &SvmEntry, fields: Fields) -> Svm {
        let (uuid, name) = (svm.uuid, Name::clone(&svm.name));
        match fields {
            Fields::Keys => Svm { uuid, name, comment: None, state: None, nvme: None },
            Fields::All => {
                let (comment, state) = (Some(Name::clone(&svm.comment)), Some(self.state(svm)));
                Svm { uuid, name, comment, state, nvme: Some(svm.nvme) }
            }
        }
    }

    pub(crate) fn state(&self, svm: &SvmEntry) -> SvmState {
        let job = match svm.phase {
            Phase::Running => return SvmState::Running,
            Phase::Stopped => return SvmState::Stopped,
            Phase::Working | Phase::Gone => self.running_jobs().find(|job| job.svm == svm.uuid),
        };
        match job {
            Some(job) if job.work == Work::Delete => SvmState::Deleting,
            Some(job) if job.work == Work::Stop => SvmState::Stopping,
            Some(job) if self.now * 2 >= job.begin + job.end => SvmState::Starting,
            _ => SvmState::Initializing,
        }
    }
}

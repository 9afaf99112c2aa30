//! Work that goes on after the answer.

use std::time::Duration;

use super::cluster::Cluster;
use super::code::Code;
use super::id::Uuid;
use super::request::{ApiError, Body, Reply, Response};
use super::svms::Phase;

/// How far a job is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum JobState {
    /// At work.
    Running,
    /// Done.
    Success,
    /// Given up, and why.
    Failure(Code),
}

/// What the API shows of a job. 300 s after its end it shows nothing: a job's id is a hint, never a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Job {
    /// Its id.
    pub uuid: Uuid,
    /// How far it is.
    pub state: JobState,
}

/// What a job does to its SVM when it ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Work {
    Create,
    FailToCreate,
    Start,
    Stop,
    Delete,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct JobEntry {
    pub(crate) uuid: Uuid,
    pub(crate) svm: Uuid,
    pub(crate) work: Work,
    pub(crate) begin: Duration,
    pub(crate) end: Duration,
    pub(crate) ended: bool,
}

impl JobEntry {
    fn shown(&self) -> Job {
        let state = match (self.ended, self.work) {
            (false, _) => JobState::Running,
            (true, Work::FailToCreate) => JobState::Failure(Code::NO_SPACE),
            (true, _) => JobState::Success,
        };
        Job { uuid: self.uuid, state }
    }
}

impl Cluster {
    /// Starts a job on this SVM, if there is room for one more.
    pub(crate) fn start_job(&mut self, svm: Uuid, work: Work, return_timeout: Duration) -> Response {
        let begin = self.now;
        let entry =
            JobEntry { uuid: self.next_uuid(), svm, work, begin, end: begin + self.habits.svm_job, ended: false };
        self.jobs.push(entry);
        if return_timeout >= self.habits.svm_job {
            self.now = entry.end;
            self.settle();
            return Ok(Reply { status: if work == Work::Create { 201 } else { 200 }, body: Body::Created(svm) });
        }
        Ok(Reply { status: 202, body: Body::Job(entry.shown()) })
    }

    pub(crate) fn refuse_if_busy(&self, svm: Uuid) -> Result<(), ApiError> {
        match self.running_jobs().any(|job| job.svm == svm) {
            true => Err(Code::SVM_BUSY.into()),
            false => self.refuse_if_full(),
        }
    }

    pub(crate) fn refuse_if_full(&self) -> Result<(), ApiError> {
        match self.running_jobs().count() >= self.habits.svm_jobs_at_once {
            true => Err(Code::TOO_MANY_JOBS.into()),
            false => Ok(()),
        }
    }

    pub(crate) fn running_jobs(&self) -> impl Iterator<Item = &JobEntry> {
        self.jobs.iter().filter(|job| !job.ended)
    }

    pub(crate) fn get_job(&self, uuid: Uuid) -> Response {
        let found = self.jobs.iter().find(|job| job.uuid == uuid).ok_or(Code::NOT_THERE)?;
        Ok(Reply { status: 200, body: Body::Job(found.shown()) })
    }

    /// Lets the jobs end whose time has come, and forgets those that ended long ago.
    pub(crate) fn settle(&mut self) {
        if self.jobs.is_empty() {
            return;
        }
        let (now, kept) = (self.now, self.habits.job_kept);
        for job in &mut self.jobs {
            if !job.ended && job.end <= now {
                job.ended = true;
                finish(&mut self.svms, job.svm, job.work);
            }
        }
        if self.jobs.iter().any(|job| job.ended && job.end + kept <= now) {
            self.jobs.retain(|job| !job.ended || job.end + kept > now);
        }
        self.sweep();
    }

    /// Makes every job that runs take this much longer.
    pub fn delay_jobs(&mut self, by: Duration) {
        self.jobs.iter_mut().filter(|job| !job.ended).for_each(|job| job.end += by);
    }
}

fn finish(svms: &mut [super::svms::SvmEntry], uuid: Uuid, work: Work) {
    let Some(svm) = svms.iter_mut().find(|svm| svm.uuid == uuid) else { return };
    svm.phase = match work {
        Work::Create | Work::Start => Phase::Running,
        Work::Stop => Phase::Stopped,
        Work::FailToCreate | Work::Delete => Phase::Gone,
    };
}

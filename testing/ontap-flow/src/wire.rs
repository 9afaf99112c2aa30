//! The way from a pass to the world: every call goes through here, and may be lost here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reconcile::StepError;
use reconcile::testkit::{Call, Fault, Faults, Twist};

use crate::ontap::{Body, Password, Request, Response};
use crate::world::{Reads, World};

/// What a call is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "by name")]
pub enum Subject {
    Cluster,
    Svm,
    Lif,
    Account,
    Placement,
    Credential,
    SeedSecret,
    ShootSecret,
}

/// The way from one pass to the world.
#[derive(Clone, Debug)]
pub struct Wire {
    world: Arc<Mutex<World>>,
    faults: Option<Faults>,
    /// What was not read in this pass, because the call failed.
    unread: Arc<Mutex<Vec<(Subject, usize)>>>,
}

impl Wire {
    /// For one pass under the kit.
    pub fn new(world: Arc<Mutex<World>>, faults: Faults) -> Self {
        Self { world, faults: Some(faults), unread: Arc::default() }
    }

    /// For one pass in which nothing fails.
    pub fn straight(world: Arc<Mutex<World>>) -> Self {
        Self { world, faults: None, unread: Arc::default() }
    }

    /// How many clusters there are.
    pub fn clusters(&self) -> usize {
        self.lock().clusters.len()
    }

    /// How many writes a read of a secret can be behind.
    pub fn behind(&self) -> u32 {
        self.lock().behind()
    }

    /// A password that nobody has yet.
    pub fn mint(&self) -> Password {
        self.lock().mint()
    }

    /// Time passes while the flow sleeps.
    pub async fn sleep(&self, time: Duration) {
        match &self.faults {
            Some(faults) => {
                faults.sleep(time).await;
                self.lock().follow(faults.now());
            }
            None => self.lock().wait(time),
        }
    }

    /// One request to ONTAP. The outer error: there was no answer.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn ontap(&self, subject: Subject, cluster: usize, request: Request) -> Result<Response, StepError> {
        let name = request.name();
        let mut call = if request.is_write() { Call::write(name) } else { Call::read(name) };
        if matches!(request, Request::PostSvm { .. }) {
            call = call.with_job();
        }
        if self.lock().reads == Reads::Blurred && can_lose_a_page(&request) {
            call = call.with_pages();
        }
        self.call(call, (subject, cluster), move |world, twist| {
            let answer = world.ontap(cluster, &request);
            world.delay_jobs(cluster, twist.slow());
            if twist.page_missing() { answer.map(without_records) } else { answer }
        })
        .await
    }

    /// Any other call.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn call<T: Send>(
        &self,
        call: Call,
        about: (Subject, usize),
        effect: impl FnOnce(&mut World, Twist) -> T + Send,
    ) -> Result<T, StepError> {
        let answer = match &self.faults {
            Some(faults) => faults.call_with(call, |twist| self.deliver(call, about, twist, effect)).await,
            None => Ok(self.deliver(call, about, Twist::default(), effect)),
        };
        if answer.is_err() && !call.is_write() {
            lock(&self.unread).push(about);
        }
        answer.map_err(no_answer)
    }

    /// The call has its effect. A write to what could not be read in this pass is noted: somebody assumed something.
    fn deliver<T>(
        &self,
        call: Call,
        about: (Subject, usize),
        twist: Twist,
        effect: impl FnOnce(&mut World, Twist) -> T,
    ) -> T {
        let mut world = self.lock();
        let mut unread = lock(&self.unread);
        if !call.is_write() {
            unread.retain(|one| *one != about);
        } else if unread.contains(&about) {
            world.assumed.push(about.0);
        }
        effect(&mut world, twist)
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that is looked for can be missed once: whoever then creates it is told that it is there. A list of names that
/// should not be there cannot: nobody would ever miss what was left out.
fn can_lose_a_page(request: &Request) -> bool {
    matches!(request, Request::GetSvms { .. } | Request::GetLifs { name: Some(_), .. } | Request::GetAccount { .. })
}

fn without_records(mut reply: crate::ontap::Reply) -> crate::ontap::Reply {
    match &mut reply.body {
        Body::Svms { records, .. } => records.clear(),
        Body::Lifs { records, .. } => records.clear(),
        Body::Accounts(records) => records.clear(),
        _ => {}
    }
    reply
}

fn no_answer(fault: Fault) -> StepError {
    match fault {
        Fault::RateLimited(after) => StepError::rate_limited("rate-limited", after),
        _ => StepError::transient("no-answer"),
    }
}

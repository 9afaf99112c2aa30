//! A credential in an encrypted journal in an object store, under the kit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    future::ready,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use objstore_core::{MemoryStore, Prefix};
use reconcile::{
    Change, Encrypted, Escrow, Event, JournalKey, Kept, Login, Observe, Observed, Observer, Outcome, Pass, RecordName,
    Records, Secret, Seen, Step, StepError, StepId, StoreJournal, Verified,
    testkit::{Call, Fault, Faults, FaultyStore, Kit, Reason},
};

const LOGIN: Call = Call::read("login");
const SET: Call = Call::write("set the password");

/// A store for the journal, and a server with one account, which refuses a password that it had before.
struct World {
    store: FaultyStore,
    set: Mutex<Vec<String>>,
    minted: AtomicU32,
    /// What people and programs were shown.
    shown: Mutex<String>,
    /// The bug: what is set is not what was written down.
    forgetful: bool,
}

impl World {
    fn new(forgetful: bool) -> Self {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        Self { store, set: Mutex::default(), minted: AtomicU32::new(0), shown: Mutex::default(), forgetful }
    }

    fn mint(&self) -> Secret {
        Secret::new(format!("canary-{}", self.minted.fetch_add(1, Ordering::Relaxed)))
    }
}

#[derive(Debug)]
struct Shown<'w>(&'w Mutex<String>);

impl Observer for Shown<'_> {
    fn event(&self, flow: &str, event: &Event<'_>) {
        self.0.lock().unwrap().push_str(&format!("{flow} {event:?}\n"));
    }
}

struct Server<'w> {
    world: &'w World,
    faults: &'w Faults,
}

/// The account: looked at by logging in.
struct Account<'p> {
    kept: &'p Seen<'p, Kept>,
}

fn lost(_: Fault) -> StepError {
    StepError::transient("no-answer")
}

impl<'p> Observe for Account<'p> {
    type Out = Login;
    type Read = Server<'p>;

    fn id(&self) -> StepId {
        "account".into()
    }

    async fn observe(&self, server: &Server<'p>) -> Result<Observed<Login>, StepError> {
        let set = server.faults.call(LOGIN, || server.world.set.lock().unwrap().last().cloned()).await.map_err(lost)?;
        let Some(set) = set else { return Ok(Observed::Absent) };
        let login = self.kept.log_in(|secret| ready(Ok(secret.expose() == set))).await?;
        Ok(login.observed("no-login"))
    }
}

impl<'p> Step for Account<'p> {
    type Write = Server<'p>;

    async fn apply(&self, server: &Server<'p>, _: Change<'_, Login>) -> Result<(), StepError> {
        let secret = if server.world.forgetful { server.world.mint() } else { self.kept.newest().clone() };
        let password = secret.expose().to_owned();
        let set = || {
            let mut set = server.world.set.lock().unwrap();
            let fresh = !set.contains(&password);
            set.push(password);
            fresh
        };
        let fresh = server.faults.call(SET, set).await.map_err(lost)?;
        if fresh { Ok(()) } else { Err(StepError::config("password-was-used")) }
    }
}

async fn pass(world: &World, faults: &Faults) -> Outcome {
    let journal = StoreJournal::new(world.store.under(faults), Prefix::new("journal/").unwrap()).unwrap();
    let journal = Encrypted::new(journal, &JournalKey::new([7; 32]));
    let records = Records::new(Arc::new(journal), "storage");
    let name = RecordName::new("password").unwrap();
    let (server, shown) = (Server { world, faults }, Shown(&world.shown));

    let pass = Pass::new("storage", ["password", "account", "password/verified"]).with_observer(&shown);
    if let Some(kept) = pass.step(&Escrow::new(name, || Ok(world.mint())), records.reader(), &records).await
        && let Some(works) = pass.step(&Account { kept: &kept }, &server, &server).await
    {
        pass.step(&Verified::new(&works), records.reader(), &records).await;
    }
    pass.finish()
}

/// Whatever happens, the password is set once: nothing that was written down is lost, so nothing has to be set anew.
fn once(world: &World) -> Result<(), String> {
    let set = world.set.lock().unwrap().len();
    if set <= 1 { Ok(()) } else { Err(format!("the password was set {set} times")) }
}

fn kit<'k>(forgetful: bool) -> Kit<'k, World> {
    Kit::new(move || World::new(forgetful), async |world: &World, faults: Faults| pass(world, &faults).await)
        .with_safety(once)
        .with_goal(|world| if world.set.lock().unwrap().len() == 1 { Ok(()) } else { Err("no password is set".into()) })
        .with_secrets(["canary-"], |world, shown| shown.push_str(&world.shown.lock().unwrap()))
}

#[test]
fn a_credential_survives_every_crash_is_set_once_and_never_shows() {
    let report = kit(false).explore();
    report.assert_clean();
    println!("{report}");
}

#[test]
fn a_password_that_was_not_written_down_is_found() {
    kit(true).explore().assert_finds(Reason::Unsafe, "the password was set 2 times");
}

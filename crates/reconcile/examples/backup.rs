//! Backs up a file into a store as a flow: without Kubernetes, run it from cron as often as you like.
//!
//! `cargo run --example backup -- FILE file:///backups/`
//!
//! The backup is named by its digest and created only if absent; `newest` points to it once it was seen to be whole. A run
//! that is killed anywhere, or that two machines make at once, is repaired by the next one.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{error::Error, io, process::ExitCode, sync::Arc};

use objstore_core::{
    Checksums, Error as StoreError, ObjectKey, ObjectMeta, ObjectStore, ObjectStoreExt as _, Prefix, ReadOptions,
    Registry, StoreUrl,
};
use reconcile::{Change, Observe, Observed, Outcome, Pass, Seen, Step, StepError, StepId};

/// The client to look with: it cannot write.
struct Reader(Arc<dyn ObjectStore>);

impl Reader {
    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StoreError> {
        absent(self.0.head(key, ReadOptions::new()).await)
    }

    async fn text(&self, key: &ObjectKey) -> Result<Option<(ObjectMeta, String)>, StoreError> {
        let found = absent(self.0.get_bytes(key, 4096).await)?;
        Ok(found.map(|(meta, bytes)| (meta, String::from_utf8_lossy(&bytes).into_owned())))
    }
}

/// Absent is an answer; all other errors are none.
fn absent<T>(result: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file, which is not ours to change.
struct Source<'a>(&'a std::path::Path);

struct Contents {
    bytes: Vec<u8>,
    digest: String,
}

impl Observe for Source<'_> {
    type Out = Contents;
    type Read = ();

    fn id(&self) -> StepId {
        "source".into()
    }

    async fn observe(&self, (): &()) -> Result<Observed<Contents>, StepError> {
        let bytes = match std::fs::read(self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Observed::Absent),
            Err(_) => return Err(StepError::needs_human("source-unreadable")),
        };
        let sha256 = Checksums::of(&bytes).sha256.ok_or(StepError::config("no-sha256"))?;
        let digest = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Observed::Ready(Contents { bytes, digest }))
    }
}

/// The backup: it cannot be built before the file was read.
struct Backup<'p> {
    home: &'p Prefix,
    source: &'p Seen<'p, Contents>,
}

impl Backup<'_> {
    fn key(&self) -> Result<ObjectKey, StepError> {
        self.home.key(format!("{}.backup", self.source.digest)).map_err(|_| StepError::config("home-too-long"))
    }
}

impl Observe for Backup<'_> {
    type Out = ObjectKey;
    type Read = Reader;

    fn id(&self) -> StepId {
        "backup".into()
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<ObjectKey>, StepError> {
        let key = self.key()?;
        match read.head(&key).await? {
            None => Ok(Observed::Absent),
            Some(meta) if meta.size == self.source.bytes.len() as u64 => Ok(Observed::Ready(key)),
            Some(_) => Ok(Observed::Foreign("another size".into())),
        }
    }
}

impl Step for Backup<'_> {
    type Write = dyn ObjectStore;

    async fn apply(&self, store: &dyn ObjectStore, _: Change<'_, ObjectKey>) -> Result<(), StepError> {
        store.create(&self.key()?, self.source.bytes.clone()).await?;
        Ok(())
    }
}

/// What says which backup is the newest: it cannot be built before that backup was seen.
struct Newest<'p> {
    home: &'p Prefix,
    backup: &'p Seen<'p, ObjectKey>,
}

impl Newest<'_> {
    fn key(&self) -> Result<ObjectKey, StepError> {
        self.home.key("newest").map_err(|_| StepError::config("home-too-long"))
    }
}

impl Observe for Newest<'_> {
    type Out = ObjectMeta;
    type Read = Reader;

    fn id(&self) -> StepId {
        "newest".into()
    }

    async fn observe(&self, read: &Reader) -> Result<Observed<ObjectMeta>, StepError> {
        match read.text(&self.key()?).await? {
            None => Ok(Observed::Absent),
            Some((meta, text)) if text == self.backup.as_str() => Ok(Observed::Ready(meta)),
            Some((now, _)) => Ok(Observed::Drifted { now, why: "another-backup" }),
        }
    }
}

impl Step for Newest<'_> {
    type Write = dyn ObjectStore;

    async fn apply(&self, store: &dyn ObjectStore, change: Change<'_, ObjectMeta>) -> Result<(), StepError> {
        let (key, text) = (self.key()?, self.backup.as_str().to_owned());
        match change {
            Change::Create => store.create(&key, text).await?,
            Change::Fix { now, .. } => store.replace(&key, now.revision.clone(), text).await?,
        };
        Ok(())
    }
}

/// One pass: what can be looked at is looked at, what is missing is made.
pub(crate) async fn back_up(file: &std::path::Path, store: Arc<dyn ObjectStore>, home: &Prefix, plan: bool) -> Outcome {
    let goal = ["source", "backup", "newest"];
    let pass = if plan { Pass::plan("backup", goal) } else { Pass::new("backup", goal) };
    let read = Reader(Arc::clone(&store));
    if let Some(source) = pass.look(&Source(file), &()).await
        && let Some(backup) = pass.step(&Backup { home, source: &source }, &read, &*store).await
    {
        pass.step(&Newest { home, backup: &backup }, &read, &*store).await;
    }
    pass.finish()
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, url, rest @ ..] = &args[..] else {
        return Err("usage: backup FILE URL [--dry-run], for example backup my.db file:///backups/".into());
    };
    let opened = Registry::with_defaults().open_prefix(&StoreUrl::parse(url)?).await?;
    let plan = rest.iter().any(|arg| arg == "--dry-run");
    let outcome = back_up(file.as_ref(), opened.store, &opened.prefix, plan).await;
    println!("{outcome}");
    Ok(outcome.exit_code().into())
}

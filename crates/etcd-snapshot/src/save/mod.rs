//! Save: from a live member into a home, verified, and only then a backup.

mod choose;
mod history;
mod incarnation;
mod options;
mod raw;
mod stream;

use std::time::Duration;

use objstore_core::{ObjectKey, Upload, UploadOptions, WriteOptions};

use crate::checks::Checks;
use crate::compare::{self, LiveCheck};
use crate::home::{CREATE_ONLY, Content, Home, Manifest, Payload, SnapshotId, Verified, timestamp};
use crate::inspect::{self, Inspection};
use crate::live::Live;
use crate::progress::Stage;
use crate::source::SnapshotSource;
use crate::store::store_error;
use crate::{Error, ErrorKind, Hex32, Result};
use choose::Chosen;
use history::Compared;
use incarnation::Incarnation;
use stream::{Received, Sink};

pub use history::HistoryCheck;
pub use options::SaveOptions;
pub use raw::{RawSaved, save_raw};

/// A snapshot that was saved, verified and committed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Saved {
    /// Its name in its home.
    pub id: SnapshotId,
    /// What was committed.
    pub manifest: Manifest,
    /// The endpoint that sent it.
    pub endpoint: String,
    /// Why that one was chosen.
    pub why: &'static str,
    /// What was verified.
    pub checks: Checks,
    /// How the comparison with live members ended.
    pub live_check: LiveCheck,
    /// How the comparison with the snapshot before it ended.
    pub history: HistoryCheck,
}

/// Saves a snapshot of `live` into `home`.
///
/// 1. Every endpoint is asked for its status; a healthy, caught-up member that does not lead is chosen.
/// 2. Its stream goes straight into an upload; size and SHA-256 trailer are checked while it flows.
/// 3. What landed is read back: its size and checksum, its pages one by one, its HashKV.
/// 4. The hash is compared with another live member, by the rule that stands at [`LiveCheck`].
/// 5. Its history is compared with that of the newest snapshot of the same incarnation: cluster ids do not tell clusters
///    apart that were started with etcd's defaults. See [`HistoryCheck`].
/// 6. The manifest is written, create-only. Only now there is a backup.
///
/// What step 5 costs: one listing and the manifest of the snapshot before it. Where there were writes since, one more walk
/// over the new payload, made while step 4 waits for the other member; where there was a compaction since, also one over
/// the payload before it.
///
/// Memory: 3 MiB of blocks, the upload's parts, and what [`inspect`](crate::inspect()) needs.
///
/// Where no member could be compared with, that is no error: [`Saved::checks`] says what was verified, and
/// [`SaveOptions::required`] demands more.
///
/// # Errors
/// - [`Unreachable`](crate::ErrorKind::Unreachable): no endpoint or no store answered, the stream stalled, the time was up.
/// - [`NotAllowed`](crate::ErrorKind::NotAllowed): the member or the store does not allow it.
/// - [`Refused`](crate::ErrorKind::Refused): endpoints of different clusters, a corrupt member, a home of another cluster
///   or of a newer format, another history than the home's. Nothing was left in the store, or the message says what.
/// - [`Damaged`](crate::ErrorKind::Damaged): the stream is not what the member announced. Nothing was left in the store.
/// - [`Unverified`](crate::ErrorKind::Unverified): it is stored, but a check failed, or one that is required could not be
///   made; the source says which. It has no manifest, so that nothing will restore it; the payload is left to be looked into.
/// - [`NoSpace`](crate::ErrorKind::NoSpace), [`NotFound`](crate::ErrorKind::NotFound) (the place of the store),
///   [`Storage`](crate::ErrorKind::Storage): as the store says.
/// - [`Usage`](crate::ErrorKind::Usage): an endpoint, a file or a clock that cannot be.
///
/// # Cancel safety
/// Dropping it leaves no manifest without a complete payload. An upload that was begun is aborted in the background: call
/// [`close`](objstore_core::ObjectStore::close) on the store to wait for that. Dropped later, it may leave a payload without
/// manifest, which [`Inventory::incomplete`](crate::home::Inventory::incomplete) shows, or have committed: look for it.
pub async fn save(live: &dyn Live, home: &Home, options: &SaveOptions) -> Result<Saved> {
    let save = Save { live, home, options };
    let verified = within(options.timeout, Box::pin(save.prepare())).await?;
    // From here on a time limit could only make it unknown whether there is a backup.
    save.commit(verified).await
}

/// Bounds `work` in time.
async fn within<T>(timeout: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(limit) = timeout else { return work.await };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Error::unreachable(format!(
            "it was not done within {limit:?}, and nothing was committed: give it a longer --timeout"
        )))
    })
}

/// Asks all members and chooses one; says which.
async fn choose_member(live: &dyn Live, options: &SaveOptions) -> Result<Chosen> {
    let chosen = choose::choose(live.members().await)?;
    options.progress.note(&format!(
        "taking the snapshot from {} (member {}): {}",
        chosen.endpoint, chosen.status.member_id, chosen.why
    ));
    Ok(chosen)
}

/// The member that answers at the endpoint must be the one that was asked before: an address can stand for several.
async fn same_member(live: &dyn Live, chosen: &Chosen) -> Result<()> {
    let now = live.members().await.into_iter().find(|endpoint| endpoint.url == chosen.endpoint);
    let Some(Ok(now)) = now.map(|endpoint| endpoint.status) else { return Ok(()) };
    if now.member_id == chosen.status.member_id && now.cluster_id == chosen.status.cluster_id {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} was member {} before the snapshot and is {} after it, so it is unknown whose data this is: name the endpoint of one member",
        chosen.endpoint, chosen.status.member_id, now.member_id
    )))
}

struct Save<'a> {
    live: &'a dyn Live,
    home: &'a Home,
    options: &'a SaveOptions,
}

/// A payload that is stored and not yet verified.
struct Landed {
    id: SnapshotId,
    key: ObjectKey,
    name: String,
    incarnation: Incarnation,
    started: jiff::Timestamp,
    chosen: Chosen,
    received: Received,
}

/// A payload that is stored and verified, and lacks its manifest.
struct Prepared {
    landed: Landed,
    manifest: Manifest,
    checks: Checks,
    live_check: LiveCheck,
    history: HistoryCheck,
}

/// What became of a payload that was stored.
enum Attempt {
    Prepared(Box<Prepared>),
    /// It was taken away again: its history is not that of its incarnation.
    Strange(Error),
}

impl Save<'_> {
    async fn prepare(&self) -> Result<Prepared> {
        let chosen = choose_member(self.live, self.options).await?;
        let incarnation = incarnation::settle(self.home, &chosen.status, self.options).await?;
        let strange = match self.attempt(chosen.clone(), incarnation).await? {
            Attempt::Prepared(prepared) => return Ok(*prepared),
            Attempt::Strange(error) if !self.options.new_incarnation => return Err(error),
            Attempt::Strange(error) => error,
        };
        tracing::debug!(error = %strange, "not the history of its incarnation");
        self.options.progress.note("the home holds another history: it is saved again, as a new incarnation");
        match self.attempt(chosen, incarnation.next()).await? {
            Attempt::Prepared(prepared) => Ok(*prepared),
            Attempt::Strange(error) => Err(error),
        }
    }

    /// Streams into the store and verifies what landed there.
    async fn attempt(&self, chosen: Chosen, incarnation: Incarnation) -> Result<Attempt> {
        let host = self.options.host.as_ref();
        let id = SnapshotId::draw(host)?;
        let name = Home::payload_name(&id, incarnation.number);
        let key = self.home.key(&name)?;
        let started = timestamp(host)?;
        let received = self.upload(&key, &chosen).await?;
        let landed = Landed { id, key, name, incarnation, started, chosen, received };
        self.verify(landed).await
    }

    /// Streams into the store. On any error nothing is left there.
    async fn upload(&self, key: &ObjectKey, chosen: &Chosen) -> Result<Received> {
        let write = WriteOptions::default().with_condition(CREATE_ONLY);
        let upload_options = UploadOptions::default().with_write(write).with_size_hint(chosen.status.db_size);
        let upload = self.home.store().start_upload(key, upload_options).await;
        let mut upload = upload.map_err(|e| store_error(format!("cannot begin to write into {}", self.home), e))?;
        let streamed = self.stream(chosen, upload.as_mut()).await;
        if streamed.is_err()
            && let Err(e) = upload.abort().await
        {
            tracing::warn!(error = %e, "an upload could not be aborted; it will be swept");
        }
        streamed
    }

    async fn stream(&self, chosen: &Chosen, upload: &mut dyn Upload) -> Result<Received> {
        let messages = self.live.snapshot(&chosen.endpoint).await?;
        let progress = self.options.progress.as_ref();
        let received = stream::pump(messages, self.options.stall_timeout, progress, Sink::Upload(&mut *upload)).await?;
        same_member(self.live, chosen).await?;
        let written = upload.finish().await;
        written.map_err(|e| store_error(format!("cannot complete the payload in {}", self.home), e))?;
        Ok(received)
    }

    async fn verify(&self, landed: Landed) -> Result<Attempt> {
        let bytes = landed.received.digests.bytes;
        let source = SnapshotSource::unverified(self.home, landed.key.clone(), bytes, landed.id.clone());
        let unverified = |e: Error| {
            let message = format!("{} is stored in {} but was not verified, and is no backup", landed.name, self.home);
            Error::unverified(message).with_source(e)
        };
        let (inspection, ()) =
            tokio::try_join!(self.inspect(&source), self.read_back(&source, &landed)).map_err(unverified)?;
        let (live_check, compared) = tokio::join!(
            self.compare(&landed, &source, &inspection),
            history::compare(self.home, landed.incarnation.number, &source, &inspection)
        );
        let (live_check, compared) = (live_check.map_err(unverified)?, compared.map_err(unverified)?);
        if let LiveCheck::Differs { .. } = live_check {
            let advice = "one of the two members is corrupt; see `etcdctl endpoint hashkv --cluster`, and save again from a member that agrees with the others";
            return Err(unverified(Error::damaged(format!("HashKV {live_check}: {advice}"))));
        }
        let checks = checks_of(&live_check);
        if !checks.contains(self.options.required) {
            let missing: Vec<_> =
                self.options.required.names().filter(|name| !checks.names().any(|have| have == *name)).collect();
            let why = format!("required and not verified: {}; live hash: {live_check}", missing.join(", "));
            return Err(unverified(Error::unverified(why)));
        }
        let history = match compared {
            Compared::Fits(history) => history,
            Compared::Strange(error) => return Ok(Attempt::Strange(self.take_away(&landed, error).await)),
        };
        if let HistoryCheck::NotComparable { .. } = history {
            self.options.progress.note(&format!("history: {history}"));
        }
        let verified = Verified {
            checks: checks.names().map(str::to_owned).collect(),
            live_hash: live_check.to_string(),
            compared_with: live_check.member_id(),
            history: Some(history.to_string()),
        };
        let manifest = self.manifest(&landed, &inspection, verified)?;
        Ok(Attempt::Prepared(Box::new(Prepared { landed, manifest, checks, live_check, history })))
    }

    async fn inspect(&self, source: &SnapshotSource) -> Result<Inspection> {
        let inspection = inspect::inspect(source, self.options.progress.as_ref()).await?;
        inspection.require_sound()?;
        Ok(inspection)
    }

    /// The stored object has the size and the bytes that were sent. It is read whole: what a store says of itself is not
    /// evidence of what it will give back.
    async fn read_back(&self, source: &SnapshotSource, landed: &Landed) -> Result<()> {
        let digests = &landed.received.digests;
        let meta = self.home.store().head(&landed.key, objstore_core::ReadOptions::default()).await;
        let meta = meta.map_err(|e| store_error("the payload cannot be looked at", e))?;
        if meta.size != digests.bytes {
            return Err(Error::damaged(format!(
                "{} bytes were sent, and the store holds {}",
                digests.bytes, meta.size
            )));
        }
        let crc32c = inspect::crc32c_of(source).await?;
        if crc32c != digests.crc32c {
            return Err(Error::damaged(format!(
                "the CRC-32C of what was sent is {:08x}, of what the store gives back {crc32c:08x}",
                digests.crc32c
            )));
        }
        Ok(())
    }

    async fn compare(&self, landed: &Landed, source: &SnapshotSource, inspection: &Inspection) -> Result<LiveCheck> {
        if !self.options.live_check {
            return Ok(LiveCheck::NotAsked);
        }
        self.options.progress.begin(Stage::LiveHash, None);
        let sender = Some((landed.chosen.endpoint.as_str(), landed.chosen.status.member_id));
        let check = compare::with_live(self.live, sender, &landed.chosen.others, source, inspection).await?;
        self.options.progress.note(&format!("HashKV of the file: {check}"));
        Ok(check)
    }

    fn manifest(&self, landed: &Landed, inspection: &Inspection, verified: Verified) -> Result<Manifest> {
        let digests = &landed.received.digests;
        let status = &landed.chosen.status;
        Ok(Manifest {
            format: crate::home::FORMAT,
            id: landed.id.to_string(),
            payload: Payload {
                key: landed.name.clone(),
                bytes: digests.bytes,
                sha256: digests.sha256.clone(),
                crc32c: Hex32(digests.crc32c),
            },
            incarnation: landed.incarnation.number,
            cluster_id: status.cluster_id,
            member_id: status.member_id,
            server_version: status.version.clone(),
            storage_version: landed.received.storage_version.clone().or_else(|| inspection.storage_version()),
            started: landed.started,
            finished: timestamp(self.options.host.as_ref())?,
            content: Content::from(inspection),
            verified,
            tool: crate::home::TOOL.to_owned(),
        })
    }

    /// First whose home it is, then what was verified, then the commit marker.
    async fn commit(&self, prepared: Prepared) -> Result<Saved> {
        let Prepared { landed, manifest, checks, live_check, history } = prepared;
        self.options.progress.begin(Stage::Finish, None);
        let declared = incarnation::declare(self.home, landed.incarnation, &landed.chosen.status, self.options).await;
        match declared {
            Err(e) if e.kind() == ErrorKind::Refused => return Err(self.take_away(&landed, e).await),
            declared => declared?,
        }
        self.home.write_checks(&landed.id, checks, self.options.host.as_ref()).await?;
        if !self.home.commit(&manifest, &landed.id).await? {
            return Err(Error::refused(format!(
                "the place of the manifest of {} in {} is taken: this save was given up for lost; save again",
                landed.id, self.home
            )));
        }
        let Landed { id, chosen, .. } = landed;
        Ok(Saved { id, manifest, endpoint: chosen.endpoint, why: chosen.why, checks, live_check, history })
    }

    /// Removes a payload that this home must not keep, and gives the error that says why. Nobody else knows its key yet.
    async fn take_away(&self, landed: &Landed, error: Error) -> Error {
        let deleted = self.home.store().delete(&landed.key, objstore_core::DeleteOptions::default()).await;
        match deleted {
            Ok(_) => error,
            Err(e) => {
                tracing::warn!(error = %e, key = %landed.key, "a payload could not be taken away");
                error.and(&format!("{} stays behind in {}, which is no backup: delete it", landed.name, self.home))
            }
        }
    }
}

fn checks_of(live_check: &LiveCheck) -> Checks {
    let always = Checks::TRAILER | Checks::STRUCTURE | Checks::READ_BACK;
    match live_check {
        LiveCheck::Matched { .. } => always | Checks::LIVE_HASH,
        LiveCheck::MatchedSender { .. } => always | Checks::SENDER_HASH,
        _ => always,
    }
}

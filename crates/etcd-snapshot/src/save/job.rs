//! One save, from the choice of a member to the manifest.

use std::sync::Arc;

use objstore_core::Upload;

use super::choose::Chosen;
use super::history::{self, Compared, HistoryCheck};
use super::incarnation::{self, Incarnation};
use super::payload::Place;
use super::stop::Stop;
use super::stream::{self, Received, Sink};
use super::turns::Later;
use super::{SaveOptions, Saved, choose_member, same_member};
use crate::checks::Checks;
use crate::compare::{self, LiveCheck, NotComparable};
use crate::home::{Content, Home, Manifest, Payload, SnapshotId, Verified, timestamp};
use crate::inspect::{self, Inspection};
use crate::live::Live;
use crate::progress::{Progress, Stage};
use crate::source::SnapshotSource;
use crate::store::store_error;
use crate::{Advice, Error, ErrorKind, Hex32, Result};

/// Saves a snapshot of `live` into `home`: see [`save`](super::save()).
pub(super) async fn run(live: &dyn Live, home: &Home, options: &SaveOptions) -> Result<Saved> {
    options.validate()?;
    let save = Save { live, home, options, stop: Stop::new(options) };
    let prepared = Box::pin(save.prepare()).await?;
    // From here on, being stopped could only make it unknown whether there is a backup.
    save.commit(prepared).await
}

struct Save<'a> {
    live: &'a dyn Live,
    home: &'a Home,
    options: &'a SaveOptions,
    stop: Stop<'a>,
}

/// A payload that is stored and not yet verified.
struct Landed<'a> {
    id: SnapshotId,
    place: Place<'a>,
    incarnation: Incarnation,
    started: jiff::Timestamp,
    chosen: Chosen,
    received: Received,
}

impl Landed<'_> {
    /// It is stored, and no backup, because of `cause`.
    fn unverified(&self, cause: Error) -> Error {
        let next = match cause.kind() {
            _ if cause.is_retryable() => "the reason may pass, save again",
            ErrorKind::Damaged => "its data is in doubt, find out why before it is saved again",
            _ => "change what stood in the way, and save again",
        };
        Error::unverified(format!(
            "{} is stored in {} but was not verified, and is no backup: {next}",
            self.place.name, self.place.home
        ))
        .with_source(cause)
    }
}

/// What verifying came to.
enum Verdict {
    Good(Box<Findings>),
    /// Its history is not that of its incarnation.
    Strange(Error),
}

/// What was found of a payload that is good.
struct Findings {
    manifest: Manifest,
    checks: Checks,
    live_check: LiveCheck,
    history: HistoryCheck,
}

/// A payload that is stored and verified, and lacks its manifest.
struct Prepared<'a> {
    landed: Landed<'a>,
    findings: Findings,
}

/// What became of a payload that was stored.
enum Attempt<'a> {
    Prepared(Box<Prepared<'a>>),
    /// It was taken away again.
    Strange(Error),
}

impl<'a> Save<'a> {
    async fn prepare(&self) -> Result<Prepared<'a>> {
        let chosen = self.stop.bound(choose_member(self.live, self.options)).await??;
        let incarnation = self.stop.bound(incarnation::settle(self.home, &chosen.status, self.options)).await??;
        let strange = match Box::pin(self.attempt(chosen.clone(), incarnation)).await? {
            Attempt::Prepared(prepared) => return Ok(*prepared),
            Attempt::Strange(error) if !self.options.new_incarnation => return Err(error),
            Attempt::Strange(error) => error,
        };
        tracing::debug!(error = %strange, "not the history of its incarnation");
        self.options.progress.note("the home holds another history: it is saved again, as a new incarnation");
        match Box::pin(self.attempt(chosen, incarnation.next())).await? {
            Attempt::Prepared(prepared) => Ok(*prepared),
            Attempt::Strange(error) => Err(error),
        }
    }

    /// Streams into the store and verifies what landed there. If it is stopped, nothing is left, or the error says what.
    async fn attempt(&self, chosen: Chosen, incarnation: Incarnation) -> Result<Attempt<'a>> {
        let host = self.options.host.as_ref();
        let id = SnapshotId::draw(host)?;
        let name = Home::payload_name(&id, incarnation.number);
        let place = Place { home: self.home, key: self.home.key(&name)?, name };
        let started = timestamp(host)?;
        let received = self.upload(&place, &chosen).await?;
        let landed = Landed { id, place, incarnation, started, chosen, received };
        match self.stop.bound(Box::pin(self.verify(&landed))).await {
            Ok(Ok(Verdict::Good(findings))) => {
                Ok(Attempt::Prepared(Box::new(Prepared { landed, findings: *findings })))
            }
            Ok(Ok(Verdict::Strange(error))) => Ok(Attempt::Strange(landed.place.take_away(error).await)),
            Ok(Err(error)) => Err(error),
            Err(stopped) => Err(landed.place.take_away(stopped).await),
        }
    }

    async fn upload(&self, place: &Place<'_>, chosen: &Chosen) -> Result<Received> {
        let mut upload = place.start(&self.stop, chosen.status.db_size).await?;
        let received = self.stop.bound(self.stream(chosen, upload.as_mut())).await.and_then(|received| received);
        place.complete(&self.stop, upload, received).await
    }

    async fn stream(&self, chosen: &Chosen, upload: &mut dyn Upload) -> Result<Received> {
        let messages = self.live.snapshot(&chosen.endpoint).await?;
        let progress = self.options.progress.as_ref();
        let received = stream::pump(messages, self.options.stall_timeout, progress, Sink::Upload(upload)).await?;
        same_member(self.live, chosen).await?;
        Ok(received)
    }

    async fn verify(&self, landed: &Landed<'_>) -> Result<Verdict> {
        let bytes = landed.received.digests.bytes;
        let source = SnapshotSource::unverified(self.home, landed.place.key.clone(), bytes, landed.id.clone());
        let unverified = |e| landed.unverified(e);
        let walk = Later::new(Arc::clone(&self.options.progress));
        let read_back = async {
            self.read_back(&source, landed).await?;
            walk.take_turn();
            Ok(())
        };
        let (inspection, ()) = tokio::try_join!(inspect_sound(&source, &walk), read_back).map_err(unverified)?;
        let (live_check, compared) = tokio::join!(
            self.compare(landed, &source, &inspection),
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
            let may_pass = matches!(live_check, LiveCheck::NotComparable { reason, .. } if reason.may_pass());
            return Err(unverified(Error::unverified(why).retryable(may_pass).with_advice(advice_for(&live_check))));
        }
        let history = match compared {
            Compared::Fits(history) => history,
            Compared::Strange(error) => return Ok(Verdict::Strange(error)),
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
        let manifest = self.manifest(landed, &inspection, verified)?;
        Ok(Verdict::Good(Box::new(Findings { manifest, checks, live_check, history })))
    }

    /// The stored object has the size and the bytes that were sent. It is read whole: what a store says of itself is not
    /// evidence of what it will give back.
    async fn read_back(&self, source: &SnapshotSource, landed: &Landed<'_>) -> Result<()> {
        let digests = &landed.received.digests;
        let meta = self.home.store().head(&landed.place.key, objstore_core::ReadOptions::default()).await;
        let meta = meta.map_err(|e| store_error("the payload cannot be looked at", e))?;
        if meta.size != digests.bytes {
            return Err(Error::damaged(format!(
                "{} bytes were sent, and the store holds {}",
                digests.bytes, meta.size
            )));
        }
        let crc32c = inspect::crc32c_of(source, self.options.progress.as_ref()).await?;
        if crc32c != digests.crc32c {
            return Err(Error::damaged(format!(
                "the CRC-32C of what was sent is {:08x}, of what the store gives back {crc32c:08x}",
                digests.crc32c
            )));
        }
        Ok(())
    }

    async fn compare(
        &self,
        landed: &Landed<'_>,
        source: &SnapshotSource,
        inspection: &Inspection,
    ) -> Result<LiveCheck> {
        if !self.options.live_check {
            return Ok(LiveCheck::NotAsked);
        }
        self.options.progress.begin(Stage::LiveHash, None);
        let sender = Some((landed.chosen.endpoint.as_str(), landed.chosen.status.member_id));
        let members =
            compare::Members { live: self.live, sender, others: &landed.chosen.others, silent: &landed.chosen.silent };
        let check = compare::with_live(members, source, inspection).await?;
        self.options.progress.note(&format!("HashKV of the file: {check}"));
        Ok(check)
    }

    fn manifest(&self, landed: &Landed<'_>, inspection: &Inspection, verified: Verified) -> Result<Manifest> {
        let digests = &landed.received.digests;
        let status = &landed.chosen.status;
        Ok(Manifest {
            format: crate::home::FORMAT,
            id: landed.id.to_string(),
            payload: Payload {
                key: landed.place.name.clone(),
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
    async fn commit(&self, prepared: Prepared<'a>) -> Result<Saved> {
        let Prepared { landed, findings: Findings { manifest, checks, live_check, history } } = prepared;
        self.options.progress.begin(Stage::Finish, None);
        let declared = incarnation::declare(self.home, landed.incarnation, &landed.chosen.status, self.options).await;
        match declared {
            Err(e) if e.kind() == ErrorKind::Refused => return Err(landed.place.take_away(e).await),
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
}

async fn inspect_sound(source: &SnapshotSource, progress: &dyn Progress) -> Result<Inspection> {
    let inspection = inspect::inspect(source, progress).await?;
    inspection.require_sound()?;
    Ok(inspection)
}

/// What would let a hash be compared that was required.
fn advice_for(live_check: &LiveCheck) -> Advice {
    match live_check {
        LiveCheck::NotComparable { reason: NotComparable::OnlySender | NotComparable::Unreachable, .. } => {
            Advice::Endpoints
        }
        _ => Advice::Required,
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

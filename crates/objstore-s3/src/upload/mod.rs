//! A body that arrives in pieces: one put if it is small, else parts of one size.

mod dropped;
mod multipart;
mod sizes;

use std::{fmt, num::NonZeroU32};

use async_trait::async_trait;
use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use objstore_core::{
    Condition, Effect, Error, ErrorKind, ObjectKey, Op, Promise, Result, Retry, Upload, UploadId, UploadOptions,
    WriteOptions, Written, layers::RetryLoop,
};
use tokio::{runtime::Handle, task::JoinSet};

pub(crate) use self::{dropped::Dropped, multipart::Whole, sizes::part_size};
use crate::{checksum::Digests, metadata, profiles::MAX_PUT, put::ObjectHead, store::S3Store};

impl S3Store {
    pub(crate) fn upload(&self, key: &ObjectKey, options: UploadOptions) -> Result<S3Upload> {
        let UploadOptions { mut write, size_hint, .. } = options.clone();
        self.check_write(&write)?;
        let limit = self.shared.profile.parts;
        let size = part_size(options.part_size.or(self.shared.part_size), size_hint, limit)?;
        let fits_one = size_hint.is_some_and(|hint| hint <= size as u64);
        if write.condition.is_some() && !fits_one {
            self.check_promise(Promise::ConditionalComplete)?;
        }
        // One token for whatever becomes of it, so that a second finish knows the first.
        if write.token.is_none() {
            write.token = Some(metadata::new_token()?);
        }
        Ok(S3Upload {
            digests: Some(Digests::new(&write.expect)?),
            head: ObjectHead::new(self, &write)?,
            store: self.clone(),
            runtime: Handle::try_current().ok(),
            key: key.clone(),
            options: write,
            part_size: size,
            part_limit: i32::try_from(limit).unwrap_or(i32::MAX),
            in_flight: options.in_flight.unwrap_or(self.shared.in_flight),
            current: Vec::new(),
            sending: JoinSet::new(),
            sent: Vec::new(),
            taken: 0,
            id: None,
            state: State::Open,
        })
    }
}

/// How far an upload is.
#[derive(Debug)]
enum State {
    /// Taking bytes.
    Open,
    /// All bytes are here, and have become no object yet: in one piece, or in parts that the store has.
    Small(Bytes, objstore_core::Checksums),
    Parts(Whole),
    /// Nothing to go on with.
    Ended,
}

pub(crate) struct S3Upload {
    store: S3Store,
    runtime: Option<Handle>,
    key: ObjectKey,
    options: WriteOptions,
    head: ObjectHead,
    part_size: usize,
    part_limit: i32,
    in_flight: NonZeroU32,
    /// The part that is being filled.
    current: Vec<u8>,
    /// Parts on their way: tasks, so that they get on while the caller makes the next.
    sending: JoinSet<Result<CompletedPart>>,
    sent: Vec<CompletedPart>,
    digests: Option<Digests>,
    taken: u64,
    id: Option<UploadId>,
    state: State,
}

impl S3Upload {
    fn check_open(&self) -> Result<()> {
        match self.state {
            State::Open => Ok(()),
            _ => Err(Error::new(ErrorKind::InvalidInput).with_detail("the upload takes no more bytes")),
        }
    }

    async fn take(&mut self, mut chunk: Bytes) -> Result<()> {
        self.check_open()?;
        if let Some(digests) = &mut self.digests {
            digests.update(&chunk);
        }
        self.taken = self.taken.saturating_add(chunk.len() as u64);
        while !chunk.is_empty() {
            // A full part is sent when more comes, so that the last one is never empty.
            if self.current.len() == self.part_size {
                self.send_current().await?;
            }
            let room = self.part_size.saturating_sub(self.current.len());
            let piece = chunk.split_to(room.min(chunk.len()));
            self.make_room(piece.len());
            self.current.extend_from_slice(&piece);
        }
        Ok(())
    }

    /// Grows the part by doubling, to its full size at most.
    fn make_room(&mut self, more: usize) {
        let needed = self.current.len().saturating_add(more);
        if needed > self.current.capacity() {
            let capacity = needed.max(self.current.capacity().saturating_mul(2)).min(self.part_size);
            self.current.reserve_exact(capacity.saturating_sub(self.current.len()));
        }
    }

    /// Puts the current part on its way, when there is room.
    async fn send_current(&mut self) -> Result<()> {
        let id = self.start().await?;
        while self.sending.len() >= self.in_flight.get() as usize {
            self.receive().await?;
        }
        let number = i32::try_from(self.sent.len().saturating_add(self.sending.len())).unwrap_or(i32::MAX);
        let number = number.saturating_add(1);
        if number > self.part_limit {
            let detail = format!("{} parts are the most: give a size hint, or ask for larger parts", self.part_limit);
            return Err(Error::new(ErrorKind::TooLarge).with_detail(detail));
        }
        let body = Bytes::from(std::mem::take(&mut self.current));
        let (store, key, rule) = (self.store.clone(), self.key.clone(), self.store.shared.retries.clone());
        self.sending
            .spawn(async move { rule.run_idempotent(|| store.send_part(&key, &id, number, body.clone())).await });
        Ok(())
    }

    /// Begins the upload in the store, at its first part.
    async fn start(&mut self) -> Result<UploadId> {
        if let Some(id) = &self.id {
            return Ok(id.clone());
        }
        if self.options.condition.is_some() {
            self.store.check_promise(Promise::ConditionalComplete)?;
        }
        let (store, rule) = (&self.store, &self.store.shared.retries);
        let id = rule.run_idempotent(|| store.create_multipart(&self.key, &self.head)).await?;
        self.id = Some(id.clone());
        Ok(id)
    }

    /// Waits for one of the parts on their way.
    async fn receive(&mut self) -> Result<bool> {
        match self.sending.join_next().await {
            None => Ok(false),
            Some(Ok(part)) => {
                self.sent.push(part?);
                Ok(true)
            }
            Some(Err(_)) => Err(Error::new(ErrorKind::Cancelled).with_detail("the part's task was ended")),
        }
    }

    /// Everything is sent but what makes the object of it.
    async fn collect(&mut self) -> Result<State> {
        let checksums = match self.digests.take() {
            Some(digests) => digests.finish(&self.options.expect)?,
            None => objstore_core::Checksums::default(),
        };
        if self.id.is_none() {
            return Ok(State::Small(Bytes::from(std::mem::take(&mut self.current)), checksums));
        }
        self.send_current().await?;
        while self.receive().await? {}
        let mut parts = std::mem::take(&mut self.sent);
        parts.sort_by_key(CompletedPart::part_number);
        Ok(State::Parts(Whole { parts, checksums, size: self.taken }))
    }

    async fn publish(&mut self) -> Result<Written> {
        match &self.state {
            State::Open | State::Ended => Err(Error::new(ErrorKind::InvalidInput).with_detail("the upload has ended")),
            State::Small(body, checksums) => {
                self.store.put_checked(&self.key, body.clone(), *checksums, &self.options).await
            }
            State::Parts(whole) => {
                let id = self.id.clone().unwrap_or_else(|| UploadId::new(""));
                let condition: Option<&Condition> = self.options.condition.as_ref();
                self.store.complete_multipart(&self.key, &id, &self.head, condition, whole).await
            }
        }
    }

    /// Ends the upload after an error that leaves nothing to go on with, and frees what it stored.
    async fn end(&mut self) {
        self.state = State::Ended;
        self.current = Vec::new();
        self.sending.shutdown().await;
        if let Some(id) = self.id.take()
            && self.store.abort_multipart(&self.key, &id).await.is_err()
        {
            self.id = Some(id); // once more in the background
        }
    }

    /// Adds where it happened; an error after which the bytes are gone says so.
    fn failed(&self, op: Op, error: Error) -> Error {
        let lost = matches!(self.state, State::Ended) && matches!(error.retry(), Retry::After(_));
        let error = if lost { error.with_retry(Retry::FromStart) } else { error };
        self.store.at(op, Some(&self.key))(error)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for S3Upload {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        match self.take(chunk).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.end().await;
                Err(self.failed(Op::Write, error))
            }
        }
    }

    async fn finish(&mut self) -> Result<Written> {
        if matches!(self.state, State::Open) {
            match self.collect().await {
                Ok(state) => self.state = state,
                Err(error) => {
                    self.end().await;
                    return Err(self.failed(Op::Finish, error));
                }
            }
        }
        match self.publish().await {
            Ok(written) => {
                self.state = State::Ended;
                self.id = None;
                Ok(written)
            }
            Err(error) => {
                let again = matches!(error.retry(), Retry::After(_)) || *error.effect() == Effect::Unknown;
                if !again {
                    self.end().await;
                }
                Err(self.failed(Op::Finish, error))
            }
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.state = State::Ended;
        self.current = Vec::new();
        self.sending.shutdown().await;
        if let Some(id) = self.id.clone() {
            self.store.abort_multipart(&self.key, &id).await.map_err(self.store.at(Op::Abort, Some(&self.key)))?;
            self.id = None;
        }
        Ok(())
    }

    fn id(&self) -> Option<UploadId> {
        self.id.clone()
    }
}

impl Drop for S3Upload {
    fn drop(&mut self) {
        let (Some(id), Some(runtime)) = (self.id.take(), &self.runtime) else { return };
        let (store, key, mut sending) = (self.store.clone(), self.key.clone(), std::mem::take(&mut self.sending));
        self.store.shared.dropped.spawn(runtime, async move {
            // A part that arrives after the abort would be stored for good.
            sending.shutdown().await;
            let rule: &RetryLoop = &store.shared.retries;
            let ended = rule.run_idempotent(|| store.abort_multipart(&key, &id)).await;
            ended.map_err(store.at(Op::Abort, Some(&key)))
        });
    }
}

impl fmt::Debug for S3Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Upload")
            .field("store", &self.store)
            .field("key", &self.key)
            .field("taken", &self.taken)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The most that one put takes is the most that a part takes.
const _: () = assert!(MAX_PUT == crate::profiles::MAX_PART);

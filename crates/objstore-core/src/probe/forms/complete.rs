//! Conditions on uploads that are longer than a part.

use futures::future::join_all;

use super::{
    super::{
        finding::{Held, refused},
        ground::{Ground, Shape, absent, matches, unwritable},
        race::Round,
    },
    write::stricter,
};
use crate::{ObjectKey, ObjectStore as _, Promise, Result, Retry, Upload, UploadOptions, WriteOptions, Written};

/// S3's smallest part but the last.
const PART_BYTES: u64 = 5 << 20;

/// What each upload is longer than a part.
const MORE_BYTES: u64 = 1 << 10;

/// Each writer of a race holds a part.
const MOST_WRITERS: u32 = 4;

/// How often an upload is started that the store wants to begin anew, and a race without a winner played.
const MOST_STARTS: u32 = 4;

impl Ground {
    pub(super) async fn try_uploads(&self) {
        let bytes = self.part_bytes().saturating_add(MORE_BYTES);
        let one = Shape { bytes, width: 1, rounds: 1 };
        let width = self.settings.width.min(MOST_WRITERS);
        let many = Shape { bytes, width, rounds: 2 };
        let promise = Promise::ConditionalComplete;
        if self.check(promise, "create by upload", one, self.create_by_upload()).await {
            self.check(promise, "race of uploads", many, self.race_of_uploads(width, many.rounds)).await;
        }
        self.check(promise, "update by upload", one, self.update_by_upload()).await;
    }

    fn part_bytes(&self) -> u64 {
        self.store.capabilities().limits().min_part_bytes.unwrap_or(PART_BYTES).max(PART_BYTES)
    }

    async fn create_by_upload(&self) -> Held {
        let (key, first, second) = (self.key()?, self.number(), self.number());
        self.upload(&key, first, absent()).await.map_err(stricter)?;
        refused(self.upload(&key, second, absent()).await, "a second create of one key by upload succeeded")?;
        self.expect_holder(&key, first, "a create by upload was refused, and overwrote the object").await
    }

    async fn update_by_upload(&self) -> Held {
        let (key, second) = (self.key()?, self.number());
        let old = self.put(&key, self.number(), Shape::SMALL.bytes).await.map_err(unwritable)?.revision;
        self.upload(&key, second, matches(&old)).await.map_err(stricter)?;
        let late = self.upload(&key, self.number(), matches(&old)).await;
        refused(late, "an update by upload at an old revision succeeded")?;
        self.expect_holder(&key, second, "an update by upload was refused, and overwrote the object").await
    }

    async fn race_of_uploads(&self, width: u32, rounds: u32) -> Held {
        for _ in 0..rounds {
            let mut plays = 1;
            while !self.round_of_uploads(width, plays >= MOST_STARTS).await? {
                plays = plays.saturating_add(1);
            }
        }
        Ok(())
    }

    /// All parts are sent before; only the ends compete. Whether there was a winner.
    async fn round_of_uploads(&self, width: u32, last: bool) -> Held<bool> {
        let key = self.key()?;
        let marks: Vec<_> = (0..width).map(|_| self.number()).collect();
        let started = join_all(marks.iter().map(|mark| self.begin(&key, *mark, absent()))).await;
        let mut uploads = started.into_iter().collect::<Result<Vec<_>>>().map_err(stricter)?;
        let results = join_all(uploads.iter_mut().map(|upload| upload.finish())).await;
        self.judge(&key, Round::of(&marks, results), last).await
    }

    /// An upload, from its start again where the store says so.
    async fn upload(&self, key: &ObjectKey, mark: u64, write: WriteOptions) -> Result<Written> {
        let mut starts = 1;
        loop {
            let mut upload = self.begin(key, mark, write.clone()).await?;
            match upload.finish().await {
                Err(error) if error.retry() == Retry::FromStart && starts < MOST_STARTS => {
                    starts = starts.saturating_add(1);
                }
                result => return result,
            }
        }
    }

    /// An upload that has all its bytes.
    async fn begin(&self, key: &ObjectKey, mark: u64, write: WriteOptions) -> Result<Box<dyn Upload>> {
        let part = self.part_bytes();
        let mut upload = self.store.start_upload(key, options(write, part)).await?;
        for chunk in self.body(mark, part.saturating_add(MORE_BYTES)).chunks() {
            upload.write(chunk.clone()).await?;
        }
        Ok(upload)
    }
}

fn options(write: WriteOptions, part: u64) -> UploadOptions {
    let mut options = UploadOptions::new().with_write(write);
    options.part_size = std::num::NonZeroU64::new(part);
    options.in_flight = std::num::NonZeroU32::new(1);
    options
}

//! The stages of a survey, and what each hands to the next.

use std::collections::VecDeque;

use super::buckets::{Bucket, BucketSink, BucketWalk};
use super::contents::{ContentSink, Contents};
use super::freelist::FreelistReader;
use super::pages::Pages;
use super::records::{ChangeSink, Question, RecordSink};
use super::report::Report;
use super::walk::{Limits, Walk};
use super::{FindingKind, NoHashKv, SurveyOptions};
use crate::bolt::{Meta, MetaReader, Metas};
use crate::crc::Crc;
use crate::mvcc::{HashRule, Revision, RevisionKey};
use crate::{ErrorKind, FormatError, ReadRequest, Step};

/// etcd's bucket of records.
const KEY_BUCKET: &[u8] = b"key";
/// etcd's bucket with the compaction marks, which must be known before the records are walked.
const META_BUCKET: &[u8] = b"meta";

/// Where the survey is.
#[derive(Debug)]
pub(super) enum Stage {
    Metas(MetaReader),
    Freelist(FreelistReader),
    Buckets(Walk, BucketSink),
    Content(usize, BucketWalk, Box<ContentSink>),
    /// Which keys changed after the last finished compaction: a look at the newest records, repeated by the next stage.
    Changes(usize, BucketWalk, Pages, Question),
    Records(usize, BucketWalk, Box<RecordSink>),
    /// The records once more, because nothing at all is kept.
    Unkept(BucketWalk, Pages, Box<RecordSink>),
    Lost(u64),
    Done,
    Failed(FormatError),
}

/// What the records tell.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) last_revision: i64,
    pub(super) living: u64,
    pub(super) counted: Crc,
    pub(super) refusal: Option<NoHashKv>,
    pub(super) compact_revision: i64,
}

/// The machine without its protocol.
#[derive(Debug)]
pub(super) struct Work {
    file_len: u64,
    options: SurveyOptions,
    pub(super) stage: Stage,
    pub(super) report: Report,
    pub(super) pages: Pages,
    pub(super) meta: Option<Meta>,
    pub(super) buckets: Vec<Bucket>,
    pub(super) contents: Contents,
    pub(super) figures: Figures,
    queue: VecDeque<usize>,
}

impl Work {
    pub(super) fn new(file_len: u64, options: SurveyOptions) -> Self {
        Self {
            file_len,
            options,
            stage: Stage::Metas(MetaReader::new(file_len)),
            report: Report::default(),
            pages: Pages::new(0),
            meta: None,
            buckets: Vec::new(),
            contents: Contents::default(),
            figures: Figures { compact_revision: -1, ..Figures::default() },
            queue: VecDeque::new(),
        }
    }

    /// Goes on until something must be read, something was found, or the end. `None` for the latter two.
    pub(super) fn request(&mut self) -> Result<Option<ReadRequest>, FormatError> {
        let Self { stage, report, pages, .. } = self;
        let request = match stage {
            Stage::Metas(reader) => match reader.step()? {
                Step::Read(request) => Some(request),
                Step::Item(metas) => return self.begin(metas).map(|()| None),
                Step::Done => None,
            },
            Stage::Freelist(reader) => reader.request(),
            Stage::Buckets(walk, sink) => walk.request(pages, report, sink),
            Stage::Content(_, walk, sink) => walk.request(pages, report, &mut **sink),
            Stage::Changes(_, walk, pages, question) => walk.request(pages, report, &mut ChangeSink { question }),
            Stage::Records(_, walk, sink) => walk.request(pages, report, &mut **sink),
            Stage::Unkept(walk, pages, sink) => walk.request(pages, report, &mut **sink),
            Stage::Lost(from) => {
                let lost = pages.lost_from(*from);
                self.lost(lost);
                return Ok(None);
            }
            Stage::Done => return Ok(None),
            Stage::Failed(error) => return Err(error.clone()),
        };
        if request.is_none() {
            self.next_stage();
        }
        Ok(request)
    }

    /// Takes the bytes of the last request.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let Self { stage, report, pages, .. } = self;
        match stage {
            Stage::Metas(reader) => reader.feed(bytes)?,
            Stage::Freelist(reader) => reader.feed(bytes, pages, report),
            Stage::Buckets(walk, sink) => walk.feed(bytes, pages, report, sink),
            Stage::Content(_, walk, sink) => walk.feed(bytes, pages, report, &mut **sink),
            Stage::Changes(_, walk, pages, question) => walk.feed(bytes, pages, report, &mut ChangeSink { question }),
            Stage::Records(_, walk, sink) => walk.feed(bytes, pages, report, &mut **sink),
            Stage::Unkept(walk, pages, sink) => walk.feed(bytes, pages, report, &mut **sink),
            Stage::Lost(_) | Stage::Done | Stage::Failed(_) => {}
        }
        Ok(())
    }

    /// Bytes of state that grow with the file.
    pub(super) fn memory(&self) -> usize {
        let stage = match &self.stage {
            Stage::Buckets(walk, _) => walk.memory(),
            Stage::Content(_, walk, sink) => walk.memory().saturating_add(sink.memory()),
            Stage::Changes(_, walk, pages, question) => {
                walk.memory().saturating_add(pages.memory()).saturating_add(question.memory())
            }
            Stage::Records(_, walk, sink) => walk.memory().saturating_add(sink.memory()),
            Stage::Unkept(walk, pages, sink) => {
                walk.memory().saturating_add(pages.memory()).saturating_add(sink.memory())
            }
            Stage::Metas(_) | Stage::Freelist(_) | Stage::Lost(_) | Stage::Done | Stage::Failed(_) => 0,
        };
        stage.saturating_add(self.pages.memory())
    }

    fn limits(&self) -> Limits {
        Limits {
            page_size: self.meta.map_or(crate::bolt::layout::MIN_PAGE_SIZE, |meta| meta.page_size),
            window_leaves: self.options.window_leaves,
            max_run_len: self.options.max_run_len,
            min_key_len: 1,
        }
    }

    /// Of the records' tree: a record key is a revision.
    fn record_limits(&self) -> Limits {
        Limits { min_key_len: Revision::LEN, ..self.limits() }
    }

    fn begin(&mut self, metas: Metas) -> Result<(), FormatError> {
        let meta = metas.chosen;
        if meta.file_len_wanted() > self.file_len {
            let error = FormatError::new(ErrorKind::Truncated, format!("{} bytes", meta.file_len_wanted()))
                .found(format!("a file of {} bytes", self.file_len));
            self.stage = Stage::Failed(error.clone());
            return Err(error);
        }
        self.meta = Some(meta);
        self.report.set_page_size(meta.page_size);
        self.pages = Pages::new(meta.high_water);
        if let Err(error) = &metas.other {
            self.report.at_page(Some(1_u64.saturating_sub(metas.chosen_page)));
            self.report.add(FindingKind::MetaInvalid, error.to_string());
        }
        self.stage = match meta.freelist {
            Some(page) if self.pages.is_in_range(page) => Stage::Freelist(FreelistReader::new(page, meta.page_size)),
            Some(page) => {
                self.report.at_page(Some(page));
                self.report.add(FindingKind::PageOutOfRange, "the meta points here for the freelist");
                self.bucket_list()
            }
            None => self.bucket_list(),
        };
        Ok(())
    }

    fn bucket_list(&self) -> Stage {
        let limits = self.limits();
        let root = self.meta.map_or(0, |meta| meta.root);
        Stage::Buckets(Walk::new(root, limits), BucketSink::new(limits.page_size))
    }

    fn next_stage(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Metas(_) | Stage::Freelist(_) => self.bucket_list(),
            Stage::Buckets(_, sink) => {
                self.buckets = sink.into_buckets();
                let is_meta = |&at: &usize| self.buckets.get(at).is_some_and(|bucket| bucket.name == META_BUCKET);
                let (meta, others): (Vec<_>, Vec<_>) = (0..self.buckets.len()).partition(is_meta);
                self.queue = meta.into_iter().chain(others).collect();
                self.next_bucket()
            }
            Stage::Content(at, _, sink) => {
                self.set_bucket(at, sink.crc(), sink.items);
                self.contents = sink.contents;
                self.next_bucket()
            }
            Stage::Changes(at, _, _, question) => {
                self.report.mute(false);
                self.records(at, question)
            }
            Stage::Records(at, _, sink) => self.records_done(at, &sink),
            Stage::Unkept(_, _, sink) => {
                self.report.mute(false);
                self.figures.counted = sink.counted();
                self.next_bucket()
            }
            end @ (Stage::Lost(_) | Stage::Done | Stage::Failed(_)) => end,
        };
    }

    fn next_bucket(&mut self) -> Stage {
        let Some(at) = self.queue.pop_front() else {
            self.report.in_bucket(None);
            return Stage::Lost(0);
        };
        let Some(bucket) = self.buckets.get(at) else { return Stage::Lost(0) };
        self.report.in_bucket(Some(&bucket.name));
        if bucket.name != KEY_BUCKET {
            let sink = ContentSink::new(bucket.name.clone(), std::mem::take(&mut self.contents));
            return Stage::Content(at, bucket.walk(self.limits()), Box::new(sink));
        }
        let question = self.question();
        if !question.wants_changes() {
            return self.records(at, question);
        }
        let first = RevisionKey { revision: Revision::new(question.finished.saturating_add(1), 0), tombstone: false };
        let Some(bucket) = self.buckets.get(at) else { return Stage::Lost(0) };
        let walk = bucket.walk_from(first.to_vec(), self.record_limits());
        self.report.mute(true);
        Stage::Changes(at, walk, Pages::new(self.meta.map_or(0, |meta| meta.high_water)), question)
    }

    fn records(&self, at: usize, question: Question) -> Stage {
        match self.buckets.get(at) {
            Some(bucket) => Stage::Records(at, bucket.walk(self.record_limits()), Box::new(RecordSink::new(question))),
            None => Stage::Lost(0),
        }
    }

    fn records_done(&mut self, at: usize, sink: &RecordSink) -> Stage {
        self.set_bucket(at, sink.all(), sink.items());
        self.figures.last_revision = sink.last_revision();
        self.figures.living = sink.living();
        self.figures.counted = sink.counted();
        let Some(bucket) = self.buckets.get(at).filter(|_| sink.left_out_for_nothing()) else {
            return self.next_bucket();
        };
        let question = Question::with_all_kept(sink.question.rule, sink.question.finished);
        let walk = bucket.walk(self.record_limits());
        self.report.mute(true);
        let pages = Pages::new(self.meta.map_or(0, |meta| meta.high_water));
        Stage::Unkept(walk, pages, Box::new(RecordSink::new(question)))
    }

    fn set_bucket(&mut self, at: usize, crc: Crc, items: u64) {
        if let Some(bucket) = self.buckets.get_mut(at) {
            (bucket.crc, bucket.items) = (crc, items);
        }
    }

    fn lost(&mut self, lost: Option<u64>) {
        self.stage = match lost {
            Some(page) => {
                self.report.at_page(Some(page));
                self.report.add(FindingKind::PageLost, "nothing points here, and the freelist does not have it");
                Stage::Lost(page.saturating_add(1))
            }
            None => Stage::Done,
        };
    }

    /// The question to the records; one that cannot be answered is replaced by the default one.
    fn question(&mut self) -> Question {
        let compaction = self.contents.compaction;
        let own = compaction.revision();
        let revision = self.options.revision.filter(|&revision| revision > 0).unwrap_or(i64::MAX);
        let compact = self.options.compact_revision.map_or(own, |asked| asked.max(-1));
        self.figures.refusal = if revision < own {
            Some(NoHashKv::Compacted { compact_revision: own })
        } else if compact < own {
            Some(NoHashKv::CompactedFurther { compact_revision: own })
        } else if compact > revision {
            Some(NoHashKv::CompactedAboveRevision { revision })
        } else {
            None
        };
        let (revision, compact) = if self.figures.refusal.is_none() { (revision, compact) } else { (i64::MAX, own) };
        self.figures.compact_revision = compact;
        Question::new(HashRule::new(revision, compact), compaction.finished.unwrap_or(-1))
    }

    /// The revision that HashKV was asked at, if any.
    pub(super) fn asked_revision(&self) -> Option<i64> {
        self.options.revision.filter(|&revision| revision > 0)
    }
}

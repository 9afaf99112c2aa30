//! Feeding a survey from a file or from a store.

use std::sync::Arc;

use bytes::Bytes;
use etcd_format::survey::{Finding, Survey};
use etcd_format::{DriveError, ReadRequest, ReadWindow, Step};

use super::format_error;
use crate::progress::Progress;
use crate::source::{SnapshotSource, blocking};
use crate::{Error, Result};

/// What is fetched at once from a store, at the most; one more such range is fetched ahead.
const RANGE: u64 = 4 * 1024 * 1024;

/// What is fetched where the survey does not go on in the order of the file.
const RANGE_MIN: u64 = 64 * 1024;

/// Steps `survey` to its end.
pub(super) async fn drive(
    source: &SnapshotSource,
    survey: Survey,
    progress: &dyn Progress,
    mut collect: impl FnMut(Finding),
) -> Result<Survey> {
    match source.open_file() {
        Some(file) => {
            let of = source.clone();
            let walked = blocking(move || walk_file(&of, &file, survey)).await?;
            walked.1.into_iter().for_each(collect);
            progress.advance(source.len());
            Ok(walked.0)
        }
        None => walk_object(source, survey, progress, &mut collect).await,
    }
}

fn walk_file(source: &SnapshotSource, file: &Arc<std::fs::File>, mut survey: Survey) -> Result<(Survey, Vec<Finding>)> {
    let mut findings = Vec::new();
    let mut window = ReadWindow::new(file.as_ref());
    loop {
        match survey.step().map_err(|e| format_error(source, e))? {
            Step::Done => return Ok((survey, findings)),
            Step::Item(finding) if findings.len() < super::FINDINGS_MAX => findings.push(finding),
            Step::Item(_) => {}
            Step::Read(request) => {
                let bytes = window.fetch(request).map_err(|e| read_error(source, e))?;
                survey.feed(bytes).map_err(|e| format_error(source, e))?;
            }
        }
    }
}

fn read_error(source: &SnapshotSource, error: DriveError) -> Error {
    match error {
        DriveError::Format(error) => format_error(source, error),
        error => Error::new(crate::ErrorKind::Storage, format!("cannot read {source}")).with_source(error),
    }
}

async fn walk_object(
    source: &SnapshotSource,
    mut survey: Survey,
    progress: &dyn Progress,
    collect: &mut impl FnMut(Finding),
) -> Result<Survey> {
    let mut window = Window { source, start: 0, held: Bytes::new(), coming: None };
    // Free pages are never asked for, others twice: what is told adds up to the length all the same.
    let mut untold = source.len();
    loop {
        let step = survey.step().map_err(|e| format_error(source, e))?;
        match step {
            Step::Done => {
                progress.advance(untold);
                return Ok(survey);
            }
            Step::Item(finding) => collect(finding),
            Step::Read(request) => {
                let bytes = window.fetch(request).await?;
                survey.feed(&bytes).map_err(|e| format_error(source, e))?;
                let more = untold.min(request.len as u64);
                untold -= more;
                progress.advance(more);
            }
        }
    }
}

/// The range that was fetched last, and the one after it, which is on its way.
struct Window<'a> {
    source: &'a SnapshotSource,
    start: u64,
    held: Bytes,
    coming: Option<Coming>,
}

struct Coming {
    start: u64,
    end: u64,
    fetch: tokio::task::JoinHandle<Result<Bytes>>,
}

impl Window<'_> {
    async fn fetch(&mut self, request: ReadRequest) -> Result<Bytes> {
        loop {
            if let Some(bytes) = self.slice(request) {
                return Ok(bytes);
            }
            self.advance(request).await?;
            if self.slice(request).is_none() && self.held.len() < request.len {
                return Err(Error::damaged(format!(
                    "{} ends before byte {}: use another snapshot",
                    self.source,
                    request.end()
                )));
            }
        }
    }

    fn slice(&self, request: ReadRequest) -> Option<Bytes> {
        let from = usize::try_from(request.offset.checked_sub(self.start)?).ok()?;
        let to = from.checked_add(request.len)?;
        (to <= self.held.len()).then(|| self.held.slice(from..to))
    }

    /// Takes in the range that is on its way if it begins early enough, else fetches the one that is asked for.
    async fn advance(&mut self, request: ReadRequest) -> Result<()> {
        match self.coming.take() {
            Some(coming) if coming.start <= request.offset && request.end() <= coming.end => {
                self.start = coming.start;
                self.held = joined(coming.fetch.await)?;
            }
            _ => {
                let wanted = request.ahead.min(request.offset.saturating_add(RANGE)).max(request.end());
                let end = wanted.max(request.offset.saturating_add(RANGE_MIN)).min(self.source.len());
                let len = usize::try_from(end.saturating_sub(request.offset)).unwrap_or(request.len);
                self.start = request.offset;
                self.held = self.source.read_at(request.offset, len).await?;
            }
        }
        self.look_ahead(request);
        Ok(())
    }

    /// Begins to fetch what the survey says that it will want after what is held now.
    fn look_ahead(&mut self, request: ReadRequest) {
        let start = self.start.saturating_add(self.held.len() as u64);
        let end = request.ahead.min(start.saturating_add(RANGE)).min(self.source.len());
        if end <= start {
            return;
        }
        let source = self.source.clone();
        let len = usize::try_from(end - start).unwrap_or(usize::MAX);
        let fetch = tokio::spawn(async move { source.read_at(start, len).await });
        self.coming = Some(Coming { start, end, fetch });
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        if let Some(coming) = &self.coming {
            coming.fetch.abort();
        }
    }
}

fn joined(fetched: Result<Result<Bytes>, tokio::task::JoinError>) -> Result<Bytes> {
    fetched.unwrap_or_else(|e| Err(Error::new(crate::ErrorKind::Cancelled, "the walk was stopped").with_source(e)))
}

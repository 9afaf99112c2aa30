//! The oldest records of a snapshot, and whether another one holds them too.

use etcd_format::bolt::Cursor;
use etcd_format::mvcc::RevisionKey;
use etcd_format::{FormatError, Step};

use crate::Result;
use crate::inspect::format_error;
use crate::receive::TRAILER;
use crate::source::SnapshotSource;

/// How many are looked at: two clusters do not even share one.
const RECORDS: usize = 8;

/// etcd's bucket of records.
const KEY_BUCKET: &[u8] = b"key";

/// A key of the bucket, which is a revision, and its value.
type Record = (Vec<u8>, Vec<u8>);

/// The first records of `source` that were written up to `revision`, without deletions.
pub(super) async fn oldest(source: &SnapshotSource, revision: i64) -> Result<Vec<Record>> {
    let mut cursor = cursor(source);
    let mut records = Vec::new();
    while records.len() < RECORDS
        && let Some(record) = next(&mut cursor, source).await?
    {
        let key = RevisionKey::parse(&record.0).map_err(|e| format_error(source, e))?;
        if key.revision.main > revision {
            break;
        }
        if !key.tombstone {
            records.push(record);
        }
    }
    Ok(records)
}

/// Whether `source` holds each of these records, with the same value.
pub(super) async fn holds(source: &SnapshotSource, records: &[Record]) -> Result<bool> {
    let mut cursor = cursor(source);
    for record in records {
        cursor.seek(&record.0);
        if next(&mut cursor, source).await?.as_ref() != Some(record) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cursor(source: &SnapshotSource) -> Cursor {
    let trailer = if source.has_trailer() { TRAILER } else { 0 };
    Cursor::new(source.len() - trailer, KEY_BUCKET)
}

async fn next(cursor: &mut Cursor, source: &SnapshotSource) -> Result<Option<Record>> {
    let damaged = |e: FormatError| format_error(source, e);
    loop {
        let request = match cursor.step().map_err(damaged)? {
            Step::Done => return Ok(None),
            Step::Item(entry) => return Ok(Some((entry.key.to_vec(), entry.value.to_vec()))),
            Step::Read(request) => request,
        };
        let bytes = source.read_at(request.offset, request.len).await?;
        cursor.feed(&bytes).map_err(damaged)?;
    }
}

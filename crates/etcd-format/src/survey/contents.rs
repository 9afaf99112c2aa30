//! The small buckets: what etcd keeps beside the keys.
//!
//! Source: etcd v3.6.15 `server/storage/schema/*.go`; v3.4.45 and v3.5.34 have the same encodings.

use super::report::Report;
use super::summary::{Alarm, AlarmKind, Auth, Compaction};
use super::{FindingKind, leaf, walk};
use crate::bolt::PageView;
use crate::crc::Crc;
use crate::membership::{Member, MemberId};
use crate::mvcc::RevisionKey;
use crate::protobuf::Fields;

/// Members and alarms that are listed at most; further ones are findings. etcd clusters have at most a few dozen.
const LISTED: usize = 1000;

/// What the small buckets say.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) compaction: Compaction,
    pub(super) consistent_index: Option<u64>,
    pub(super) term: Option<u64>,
    pub(super) storage_version: Option<String>,
    pub(super) cluster_version: Option<String>,
    pub(super) downgrade_target: Option<String>,
    pub(super) members: Vec<Member>,
    pub(super) members_removed: u64,
    pub(super) leases: u64,
    pub(super) alarms: Vec<Alarm>,
    pub(super) auth: Auth,
}

#[derive(serde::Deserialize)]
struct Downgrade {
    #[serde(rename = "target-version", default)]
    target_version: String,
    #[serde(default)]
    enabled: bool,
}

impl Contents {
    /// Takes one item of the bucket with this name.
    pub(super) fn item(&mut self, bucket: &[u8], key: &[u8], value: &[u8], report: &mut Report) {
        let read = match bucket {
            b"meta" => self.meta(key, value),
            b"cluster" => self.cluster(key, value),
            b"members" => self.member(value),
            b"alarm" => self.alarm(key),
            b"auth" => self.auth(key, value),
            b"members_removed" => count(&mut self.members_removed),
            b"lease" => count(&mut self.leases),
            b"authUsers" => count(&mut self.auth.users),
            b"authRoles" => count(&mut self.auth.roles),
            _ => Some(()),
        };
        if read.is_none() {
            let key = String::from_utf8_lossy(key.get(..64).unwrap_or(key)).escape_debug().to_string();
            report.add(FindingKind::Content, format!("the value of {key} cannot be read"));
        }
    }

    fn meta(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"consistent_index" => self.consistent_index = Some(big_endian(value)?),
            b"term" => self.term = Some(big_endian(value)?),
            b"scheduledCompactRev" => self.compaction.scheduled = Some(main_revision(value)?),
            b"finishedCompactRev" => self.compaction.finished = Some(main_revision(value)?),
            b"storageVersion" => self.storage_version = Some(text(value)?),
            _ => {}
        }
        Some(())
    }

    fn cluster(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"clusterVersion" => self.cluster_version = Some(text(value)?),
            b"downgrade" => {
                let downgrade: Downgrade = serde_json::from_slice(value).ok()?;
                self.downgrade_target = downgrade.enabled.then_some(downgrade.target_version);
            }
            _ => {}
        }
        Some(())
    }

    fn member(&mut self, value: &[u8]) -> Option<()> {
        let member = Member::from_json(value).ok()?;
        (self.members.len() < LISTED).then(|| self.members.push(member))
    }

    /// The key is an `etcdserverpb.AlarmMember`: member id in field 1, alarm in field 2. The value is empty.
    fn alarm(&mut self, key: &[u8]) -> Option<()> {
        let (mut member, mut kind) = (0, 0);
        for field in Fields::new(key) {
            match field.ok()? {
                (1, value) => member = value.number(),
                (2, value) => kind = value.number(),
                _ => {}
            }
        }
        let kind = match kind {
            1 => AlarmKind::NoSpace,
            2 => AlarmKind::Corrupt,
            other => AlarmKind::Other(other),
        };
        (self.alarms.len() < LISTED).then(|| self.alarms.push(Alarm { member: MemberId::new(member), kind }))
    }

    fn auth(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        if key == b"authEnabled" {
            self.auth.enabled = *value.first()? != 0;
        }
        Some(())
    }
}

fn count(counter: &mut u64) -> Option<()> {
    *counter = counter.saturating_add(1);
    Some(())
}

fn big_endian(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(value.try_into().ok()?))
}

fn main_revision(value: &[u8]) -> Option<i64> {
    RevisionKey::from_bytes(value).map(|key| key.revision.main)
}

fn text(value: &[u8]) -> Option<String> {
    String::from_utf8(value.to_vec()).ok()
}

/// Takes the leaves of a small bucket.
#[derive(Debug)]
pub(super) struct ContentSink {
    pub(super) name: Vec<u8>,
    pub(super) contents: Contents,
    pub(super) items: u64,
    joined: super::joined::Joined,
    spans: leaf::Spans,
}

impl ContentSink {
    pub(super) fn new(name: Vec<u8>, contents: Contents) -> Self {
        Self { name, contents, items: 0, joined: super::joined::Joined::default(), spans: leaf::Spans::default() }
    }

    pub(super) fn crc(&self) -> Crc {
        self.joined.all()
    }

    pub(super) fn memory(&self) -> usize {
        self.joined.memory()
    }
}

impl walk::LeafSink for ContentSink {
    fn leaf(&mut self, index: usize, view: &PageView<'_>, bounds: walk::Bounds<'_>, report: &mut Report) {
        self.spans.clear();
        let mut scan = leaf::LeafScan::new(view, bounds);
        while let Some(element) = scan.next(report) {
            self.items = self.items.saturating_add(1);
            let mut span = leaf::span(&element);
            if element.is_bucket {
                report.add(FindingKind::NestedBucket, "etcd has no buckets inside buckets");
                // etcdutl hashes the name alone.
                span.end = span.start.saturating_add(element.key.len());
            } else {
                self.contents.item(&self.name, element.key, element.value, report);
            }
            self.spans.push(span);
        }
        self.joined.leaf(index, view.bytes(), &self.spans, None);
    }

    fn end_window(&mut self) {
        self.joined.end_window();
    }
}

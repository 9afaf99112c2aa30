//! What a snapshot says of its cluster.

use std::collections::BTreeMap;
use std::fmt;

use crate::membership::{Member, MemberId};
use crate::protobuf::Fields;

/// The small buckets of a snapshot, and its latest revision. Filled from one walk over the file.
///
/// Memory: the items of the buckets that are [wanted](Self::wants).
///
/// ```
/// use etcd_format::restored::SourceState;
///
/// let mut source = SourceState::new();
/// source.insert(b"cluster", b"clusterVersion", b"3.6.0");
/// source.insert(b"key", b"\0\0\0\0\0\0\0\x2a_\0\0\0\0\0\0\0\0", b"");
/// assert_eq!(source.revision(), 42);
/// assert_eq!(source.get("cluster", "clusterVersion"), Some(&b"3.6.0"[..]));
/// ```
#[derive(Clone, Default)]
pub struct SourceState {
    last_record: i64,
    items: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// Shows what it counts: among the items are hashes of passwords.
impl fmt::Debug for SourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: usize = self.items.values().map(BTreeMap::len).sum();
        f.debug_struct("SourceState")
            .field("last_record", &self.last_record)
            .field("buckets", &self.items.len())
            .field("items", &items)
            .finish()
    }
}

/// The type numbers of alarms (`etcdserverpb.AlarmType`).
const NOSPACE: u64 = 1;
const CORRUPT: u64 = 2;

/// One alarm: its key in the bucket, and what the key says.
#[derive(Debug)]
pub(super) struct Alarm<'a> {
    pub(super) key: &'a [u8],
    pub(super) member: MemberId,
    kind: u64,
}

impl Alarm<'_> {
    pub(super) fn is_nospace(&self) -> bool {
        self.kind == NOSPACE
    }

    pub(super) fn is_corrupt(&self) -> bool {
        self.kind == CORRUPT
    }
}

impl SourceState {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the items of this bucket are kept: all but `key`, of which the latest revision is enough, and `lease`,
    /// `authUsers` and `authRoles`, which a restore does not change.
    #[must_use]
    pub fn wants(bucket: &[u8]) -> bool {
        !matches!(bucket, b"key" | b"lease" | b"authUsers" | b"authRoles")
    }

    /// Takes one item. Of `key` the last record alone is enough; every record does no harm.
    pub fn insert(&mut self, bucket: &[u8], key: &[u8], value: &[u8]) {
        if bucket == b"key" {
            self.last_record = self.last_record.max(main_revision(key).unwrap_or(0));
        } else if Self::wants(bucket) {
            self.items.entry(bucket.to_vec()).or_default().insert(key.to_vec(), value.to_vec());
        }
    }

    /// The value of one item of a wanted bucket.
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<&[u8]> {
        self.items.get(bucket.as_bytes())?.get(key.as_bytes()).map(Vec::as_slice)
    }

    /// The revision at which the cluster stood: that of the last record, or of a compaction if that is higher (etcd
    /// before 3.4.34 and 3.5.16 could compact the newest tombstone away), and 1 for an empty cluster.
    #[must_use]
    pub fn revision(&self) -> i64 {
        let compacted = ["scheduledCompactRev", "finishedCompactRev"]
            .into_iter()
            .filter_map(|key| main_revision(self.get("meta", key)?));
        compacted.fold(self.last_record, i64::max).max(1)
    }

    /// The members, and those records that cannot be read with the id that their key says.
    pub(super) fn members(&self) -> Vec<(MemberId, String)> {
        let mut members = Vec::new();
        for (key, value) in self.bucket("members") {
            let id = std::str::from_utf8(key).ok().and_then(|key| key.parse().ok());
            let name = Member::from_json(value).map(|member| member.name().to_owned());
            members.push((id.unwrap_or(MemberId::new(0)), name.unwrap_or_default()));
        }
        members
    }

    pub(super) fn alarms(&self) -> Vec<Alarm<'_>> {
        self.bucket("alarm").map(|(key, _)| alarm(key)).collect()
    }

    pub(super) fn auth_enabled(&self) -> bool {
        self.get("auth", "authEnabled") == Some(&[1])
    }

    /// The version to which the cluster is being downgraded. A record that cannot be read counts as none, as in etcd.
    pub(super) fn downgrade_target(&self) -> Option<String> {
        let record: Downgrade = serde_json::from_slice(self.get("cluster", "downgrade")?).ok()?;
        record.enabled.then_some(record.target)
    }

    fn bucket(&self, name: &str) -> impl Iterator<Item = (&[u8], &[u8])> {
        let items = self.items.get(name.as_bytes()).into_iter().flatten();
        items.map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

#[derive(serde::Deserialize)]
struct Downgrade {
    #[serde(rename = "target-version", default)]
    target: String,
    #[serde(default)]
    enabled: bool,
}

/// `etcdserverpb.AlarmMember`: memberID = 1, alarm = 2. What cannot be read is an alarm of no known type.
fn alarm(key: &[u8]) -> Alarm<'_> {
    let mut alarm = Alarm { key, member: MemberId::new(0), kind: 0 };
    for (field, value) in Fields::new(key).map_while(Result::ok) {
        match field {
            1 => alarm.member = MemberId::new(value.number()),
            2 => alarm.kind = value.number(),
            _ => {}
        }
    }
    alarm
}

/// The main revision of a revision key: 8 bytes, big-endian, with `_` behind them.
fn main_revision(key: &[u8]) -> Option<i64> {
    let (main, rest) = key.split_first_chunk::<8>()?;
    rest.starts_with(b"_").then(|| i64::from_be_bytes(*main))
}

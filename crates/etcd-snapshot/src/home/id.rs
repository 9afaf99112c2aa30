//! Names of snapshots.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::host::Host;
use crate::{Advice, Error, Result};

/// The digits of Crockford's base 32: no `i`, `l`, `o`, `u`, so that an id survives being read aloud.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_DIGITS: usize = 12;
const TIME_FORMAT: &str = "%Y%m%dT%H%M%S%.3fZ";

/// The name of one snapshot in its home: the time at which its save began, in UTC with milliseconds, and 60 random bits.
///
/// An id is drawn before anything is known of the file, is never used twice, and says nothing about order across
/// restores of the cluster: see [`Listed`](crate::home::Listed) for what "newest" means. In JSON it is a string.
///
/// ```
/// use etcd_snapshot::home::SnapshotId;
///
/// let id: SnapshotId = "20261121T072013.123Z-7f3k9q2mabcd".parse()?;
/// assert_eq!(id.to_string(), "20261121T072013.123Z-7f3k9q2mabcd");
/// assert!("latest".parse::<SnapshotId>().is_err());
/// # Ok::<(), etcd_snapshot::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SnapshotId {
    time: Timestamp,
    random: String,
}

impl SnapshotId {
    /// Draws an id for a save that begins now.
    ///
    /// # Errors
    /// When `host` has no randomness, or its clock stands outside the years 1 to 9999.
    pub fn draw(host: &dyn Host) -> Result<Self> {
        let time = Timestamp::try_from(host.now())
            .and_then(|time| time.round(jiff::Unit::Millisecond))
            .map_err(|e| Error::usage("the clock of this machine is out of range: set it").with_source(e))?;
        Ok(Self { time, random: random_digits(host)? })
    }

    /// When the save began, to the millisecond, by the clock of the machine that saved.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.time.into()
    }
}

/// 60 random bits as 12 digits.
pub(crate) fn random_digits(host: &dyn Host) -> Result<String> {
    let mut bytes = [0_u8; RANDOM_DIGITS];
    host.random(&mut bytes)?;
    Ok(bytes.iter().filter_map(|byte| BASE32.get(usize::from(byte & 31))).map(|&digit| char::from(digit)).collect())
}

/// A time as it stands in keys: `20261121T072013.123Z`.
pub(crate) fn format_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime(TIME_FORMAT).to_string()
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime(TIME_FORMAT, text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (format_time(time) == text).then_some(time)
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", format_time(self.time), self.random)
    }
}

impl Serialize for SnapshotId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SnapshotId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for SnapshotId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once('-').and_then(|(time, random)| {
            let digits = random.len() == RANDOM_DIGITS && random.bytes().all(|byte| BASE32.contains(&byte));
            digits.then(|| parse_time(time)).flatten().map(|time| Self { time, random: random.to_owned() })
        });
        parsed.ok_or_else(|| {
            Error::usage(format!(
                "`{text}` is not a snapshot id: ids look like 20261121T072013.123Z-7f3k9q2mabcd; list what the home holds"
            ))
            .with_advice(Advice::Inventory)
        })
    }
}

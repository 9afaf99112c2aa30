//! Times as text, in serialised forms: RFC 3339 in UTC.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize as _, Deserializer, Serializer, de, ser};

pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let time = Timestamp::try_from(*time).map_err(|_| ser::Error::custom("a time that no calendar has"))?;
    serializer.collect_str(&time)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    let time: Timestamp = text.parse().map_err(|_| de::Error::custom("not a time of RFC 3339"))?;
    Ok(time.into())
}

/// The time without parts of a second, as Kubernetes keeps it.
pub(crate) fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

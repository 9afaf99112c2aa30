//! Which key means what in a home: the table is in the documentation of [`home`](crate::home).

use std::str::FromStr;

use crate::checks::Checks;
use crate::home::id::{SnapshotId, format_time, random_digits};
use crate::host::Host;
use crate::{Error, Result};

/// The key of the format marker, below the home's prefix.
pub(crate) const MARKER: &str = "home.json";

/// A key of a home, understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Name {
    Marker,
    Incarnation(u32),
    Payload { id: SnapshotId, incarnation: u32 },
    Check { id: SnapshotId, checks: Checks },
    Manifest { id: SnapshotId, incarnation: u32, revision: i64 },
}

impl Name {
    /// What `key`, relative to the home's prefix, means; `None` for somebody else's object.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        if key == MARKER {
            return Some(Self::Marker);
        }
        if let Some(rest) = key.strip_suffix(".json") {
            return parse_json_name(rest);
        }
        let (id, incarnation) = key.strip_suffix(".db")?.rsplit_once(".i")?;
        Some(Self::Payload { id: SnapshotId::from_str(id).ok()?, incarnation: parse_digits(incarnation, 8)? })
    }
}

fn parse_json_name(name: &str) -> Option<Name> {
    if let Some(number) = name.strip_prefix("incarnation-") {
        return Some(Name::Incarnation(parse_digits(number, 8)?));
    }
    if let Some(rest) = name.strip_prefix("check-") {
        let (rest, _random) = rest.rsplit_once('-')?;
        let (rest, _time) = rest.rsplit_once('-')?;
        let (id, flags) = rest.rsplit_once('-')?;
        return Some(Name::Check { id: id.parse().ok()?, checks: Checks::from_flags(flags)? });
    }
    let (incarnation, rest) = name.strip_prefix("manifest-i")?.split_once("-r")?;
    let (revision, id) = rest.split_once('-')?;
    Some(Name::Manifest {
        id: id.parse().ok()?,
        incarnation: parse_digits(incarnation, 8)?,
        revision: parse_digits(revision, 19)?,
    })
}

/// Exactly `width` decimal digits.
fn parse_digits<T: FromStr>(text: &str, width: usize) -> Option<T> {
    (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

pub(crate) fn incarnation(number: u32) -> String {
    format!("incarnation-{number:08}.json")
}

pub(crate) fn payload(id: &SnapshotId, incarnation: u32) -> String {
    format!("{id}.i{incarnation:08}.db")
}

pub(crate) fn manifest(id: &SnapshotId, incarnation: u32, revision: i64) -> String {
    format!("manifest-i{incarnation:08}-r{revision:019}-{id}.json")
}

/// A new key for a check of `id`.
pub(crate) fn check(id: &SnapshotId, checks: Checks, host: &dyn Host) -> Result<String> {
    let time = jiff::Timestamp::try_from(host.now())
        .map_err(|e| Error::usage("the clock of this machine is out of range: set it").with_source(e))?;
    Ok(format!("check-{id}-{}-{}-{}.json", checks.flags(), format_time(time), random_digits(host)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let id: SnapshotId = "20261121T072013.123Z-7f3k9q2mabcd".parse().unwrap();
        let checks = Checks::TRAILER | Checks::STRUCTURE;
        assert_eq!(Name::parse(&payload(&id, 3)), Some(Name::Payload { id: id.clone(), incarnation: 3 }));
        let manifest = manifest(&id, 3, 77);
        assert_eq!(Name::parse(&manifest), Some(Name::Manifest { id: id.clone(), incarnation: 3, revision: 77 }));
        let check = check(&id, checks, &crate::host::SystemHost).unwrap();
        assert_eq!(Name::parse(&check), Some(Name::Check { id, checks }));
        assert_eq!(Name::parse(&incarnation(9)), Some(Name::Incarnation(9)));
        for foreign in ["", "home.json.bak", "x.db", "manifest-i1-r2-x.json", "check--.json", "20261121.db", "é.json"]
        {
            assert_eq!(Name::parse(foreign), None, "{foreign}");
        }
    }
}

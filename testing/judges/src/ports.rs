//! Free loopback ports that stay ours while a server is down for a restart.

use std::{
    fs::{self, File},
    hash::{BuildHasher as _, RandomState},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};

use anyhow::Context as _;

/// Below the range that Linux hands out to outgoing connections (32768 and up), so that none of those takes a port between stop and restart.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port that nobody listened on, locked against every other user of this crate on this machine.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    pub(crate) fn lease() -> anyhow::Result<Self> {
        let start = RandomState::new().hash_one(std::process::id());
        let start = u16::try_from(start % u64::from(COUNT)).unwrap_or_default();
        (0..COUNT)
            .find_map(|step| Self::try_lease(FIRST + (start + step) % COUNT))
            .context("no free loopback port is left")
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    fn try_lease(number: u16) -> Option<Self> {
        let lock = File::options().create(true).truncate(false).write(true).open(lock_file(number)?).ok()?;
        lock.try_lock().ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _lock: lock })
    }
}

fn lock_file(number: u16) -> Option<PathBuf> {
    let folder = std::env::temp_dir().join("dunnage-ports");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join(number.to_string()))
}

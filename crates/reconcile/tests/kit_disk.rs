//! A file system under the kit: a file that is replaced as a whole, in place or beside.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

use std::{io, path::Path, sync::Arc};

use objstore_core::disk::{Access, Disk, ModelDisk};
use reconcile::testkit::{Faults, FaultyDisk, Kit, Reason, Report};
use tokio::task::spawn_blocking;

const OLD: &[u8] = b"old and whole";
const NEW: &[u8] = b"another, as whole";

fn world() -> FaultyDisk {
    let disk = ModelDisk::new();
    disk.mkdir(Path::new("/d"), 0o700).unwrap();
    disk.create_new(Path::new("/d/file"), 0o600).unwrap().write_at(OLD, 0).unwrap();
    FaultyDisk::new(Arc::new(disk))
}

fn content(disk: &FaultyDisk) -> Vec<u8> {
    let file = disk.inner().open(Path::new("/d/file"), Access::Read).unwrap();
    let mut bytes = vec![0; 100];
    let len = file.read_at(&mut bytes, 0).unwrap();
    bytes.truncate(len);
    bytes
}

fn beside(disk: &dyn Disk) -> io::Result<()> {
    let part = Path::new("/d/file.part");
    match disk.remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create_new(part, 0o600)?;
    file.write_at(&NEW[..5], 0)?;
    file.write_at(&NEW[5..], 5)?;
    file.sync()?;
    disk.rename(part, Path::new("/d/file"))?;
    disk.sync_dir(Path::new("/d"))
}

fn in_place(disk: &dyn Disk) -> io::Result<()> {
    let file = disk.open(Path::new("/d/file"), Access::ReadWrite)?;
    file.write_at(&NEW[..5], 0)?;
    file.write_at(&NEW[5..], 5)
}

fn explore(write: fn(&dyn Disk) -> io::Result<()>, safety: impl Fn(&[u8]) -> bool) -> Report {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let _entered = runtime.enter();
    Kit::new(world, async |world: &FaultyDisk, faults: Faults| {
        let disk = world.under(&faults);
        spawn_blocking(move || write(&*disk)).await.unwrap()
    })
    .with_threads()
    .with_quiet_passes(0)
    .with_safety(|world| if safety(&content(world)) { Ok(()) } else { Err("it is neither old nor new".into()) })
    .with_goal(|world| if content(world) == NEW { Ok(()) } else { Err("it is not new".into()) })
    .explore()
}

#[test]
fn a_file_that_is_written_beside_and_renamed_is_always_whole() {
    let report = explore(beside, |bytes| bytes == OLD || bytes == NEW);
    report.assert_clean();
    // Seven calls that change something, each with two crashes and two errors.
    assert_eq!((report.calls, report.points), (7, 28), "{report}");
}

#[test]
fn a_file_that_is_written_in_place_is_found() {
    let report = explore(in_place, |bytes| bytes == OLD || bytes == NEW);
    report.assert_finds(Reason::Unsafe, "neither old nor new");
}

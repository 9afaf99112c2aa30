//! How much memory a restore takes. The only test of its program, since the figure is the program's.
#![cfg(target_os = "linux")]

mod restore_support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use etcd_format::bolt::writer::{BoltWriter, Layout};
use restore_support::{Bench, record_key, sample_buckets};
use sha2::{Digest as _, Sha256};

const VALUE: usize = 100_000;
const RECORDS: i64 = 2_000;
const LIMIT: u64 = 64 * 1024 * 1024;

/// Writes a snapshot piece by piece, so that the test itself takes little.
fn write_snapshot(path: &Path) {
    let mut file = fs::File::create(path).expect("the folder can be written");
    let mut writer = BoltWriter::new(Layout::default()).expect("the default layout is valid");
    for (name, items) in sample_buckets(0, 0) {
        writer.begin_bucket(&name).expect("names ascend");
        for (key, value) in items {
            writer.put(&key, &value).expect("keys ascend");
        }
        for revision in (2..2 + RECORDS).filter(|_| name == b"key") {
            writer.put(&record_key(revision), &[0x5a; VALUE]).expect("keys ascend");
            drain(&mut writer, &file);
        }
    }
    let len = writer.finish().expect("the file is complete");
    drain(&mut writer, &file);
    file.set_len(len).expect("the folder can be written");
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 20];
    let read = fs::File::open(path).expect("it is there");
    let mut offset = 0;
    while offset < len {
        let part = block.len().min((len - offset) as usize);
        read.read_exact_at(&mut block[..part], offset).expect("it is there");
        digest.update(&block[..part]);
        offset += part as u64;
    }
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).expect("it is a file");
    file.write_all(&digest.finalize()).expect("the folder can be written");
}

fn drain(writer: &mut BoltWriter, file: &fs::File) {
    while let Some(write) = writer.next_write() {
        file.write_all_at(&write.bytes, write.offset).expect("the folder can be written");
    }
}

/// The most memory that this program has had so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("it is a number");
    kilobytes * 1024
}

#[test]
fn a_large_snapshot_takes_little_memory() {
    let bench = Bench::new(b"");
    write_snapshot(&bench.snapshot);
    let size = fs::metadata(&bench.snapshot).expect("it is there").len();
    assert!(size > 3 * LIMIT, "{size} bytes are too few to show anything");
    bench.restore(&bench.options()).expect("it is sound");
    assert!(peak() <= LIMIT, "{size} bytes took {} of memory", peak());
}

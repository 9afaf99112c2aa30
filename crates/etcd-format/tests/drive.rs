//! The driver reads little more than it must, in few pieces, and says where reading failed.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod history;
mod pages;

use std::cell::RefCell;
use std::io;

use etcd_format::bolt::{Cursor, Meta, MetaReader, PageView};
use etcd_format::survey::Survey;
use etcd_format::{DriveError, ErrorKind, ReadAt, ReadRequest, ReadWindow, drive};
use history::History;
use pages::{Plan, build};

/// Counts what is read.
struct Counted<'a> {
    bytes: &'a [u8],
    reads: RefCell<Vec<(u64, usize)>>,
}

impl ReadAt for Counted<'_> {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.reads.borrow_mut().push((offset, buffer.len()));
        self.bytes.read_exact_at(buffer, offset)
    }
}

fn many_pages(seed: u64) -> Vec<u8> {
    let put = |round: u32, key: u8| vec![(key, Some(vec![round as u8; 900]))];
    let history = History::of(&(0..20).flat_map(|round| (0..200).map(move |key| put(round, key))).collect::<Vec<_>>());
    build(&Plan { page_size: 4096, per_leaf: 4, per_branch: 60, seed, ..Plan::new(history.buckets()) }).bytes
}

#[test]
fn reads_are_coalesced() {
    for seed in [0, 5] {
        let bytes = many_pages(seed);
        let input = Counted { bytes: &bytes, reads: RefCell::default() };
        let mut survey = Survey::new(bytes.len() as u64);
        drive(&mut survey, &input, |finding| panic!("{finding}")).unwrap();
        let reads = input.reads.into_inner();
        let total: usize = reads.iter().map(|(_, len)| len).sum();
        assert!(reads.len() < 70, "{} reads of {} pages", reads.len(), bytes.len() / 4096);
        assert!(total < bytes.len() * 5 / 4, "{total} bytes read of {}", bytes.len());
        assert!(reads.iter().all(|(_, len)| *len <= 1 << 20));
    }
}

#[test]
fn a_cursor_looks_ahead_too() {
    let bytes = many_pages(0);
    let input = Counted { bytes: &bytes, reads: RefCell::default() };
    let mut entries = 0;
    drive(&mut Cursor::new(bytes.len() as u64, b"key"), &input, |_| entries += 1).unwrap();
    assert_eq!(entries, 4000);
    assert!(input.reads.borrow().len() < 100, "{} reads", input.reads.borrow().len());
}

#[test]
fn a_failed_read_says_where() {
    let bytes = many_pages(0);
    let mut survey = Survey::new(bytes.len() as u64);
    let error = drive(&mut survey, &bytes[..100_000], |_| ()).unwrap_err();
    assert!(matches!(&error, DriveError::Read { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof));
    assert!(error.to_string().starts_with("cannot read "), "{error}");
}

#[test]
fn a_window_reads_again_after_a_failure() {
    let bytes = vec![7; 1000];
    let mut window = ReadWindow::new(&bytes);
    assert!(window.fetch(ReadRequest::new(900, 200)).is_err());
    assert_eq!(window.fetch(ReadRequest::new(900, 100)).unwrap(), [7; 100]);
    assert_eq!(window.fetch(ReadRequest::new(0, 10).with_ahead(1000)).unwrap(), [7; 10]);
    assert_eq!(window.fetch(ReadRequest::new(990, 10)).unwrap(), [7; 10]);
}

#[test]
fn a_file_can_be_read_at_any_offset() {
    let bytes = many_pages(0);
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, &bytes).unwrap();
    let mut survey = Survey::new(bytes.len() as u64);
    drive(&mut survey, &file, |finding| panic!("{finding}")).unwrap();
    assert!(survey.finish().unwrap().is_sound());
}

#[test]
fn metas_are_chosen_by_transaction() {
    let file = |first: u64, second: u64| {
        let mut bytes = vec![0; 8192];
        for (page, txid) in [(0, first), (1, second)] {
            bytes[page * 4096 + 16..][..64].copy_from_slice(&Meta::new(4096, 3, 2, txid).to_bytes());
        }
        bytes
    };
    let read = |bytes: &Vec<u8>| {
        let mut found = None;
        drive(&mut MetaReader::new(bytes.len() as u64), bytes, |metas| found = Some(metas)).map(|()| found.unwrap())
    };
    for (first, second, chosen) in [(9, 8, 0), (8, 9, 1), (9, 9, 0)] {
        let metas = read(&file(first, second)).unwrap();
        assert_eq!((metas.chosen_page, metas.chosen.txid), (chosen, first.max(second)));
        assert!(metas.other.is_ok());
    }
    // The second meta is found by probing, but says another page size than its place.
    let mut lone = file(1, 2);
    lone[16] = 0;
    lone[4096 + 16..][..64].copy_from_slice(&Meta::new(8192, 3, 2, 2).to_bytes());
    let DriveError::Format(error) = read(&lone).unwrap_err() else { panic!("not a format error") };
    assert_eq!(error.kind(), ErrorKind::NotBolt);
}

#[test]
fn a_page_is_searched() {
    let history = History::of(&[vec![(1, Some(vec![]))], vec![(2, Some(vec![]))]]);
    let built = build(&Plan { inline: false, ..Plan::new(history.buckets()) });
    let run = built.runs_of(b"key", true).next().unwrap();
    let view = PageView::new(&built.bytes[built.page(run.id)], run.id * 1024).unwrap();
    let keys: Vec<_> = view.leaf_elements().map(|element| element.unwrap().key).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!([b"".as_slice(), keys[0], keys[1], &[0xFF]].map(|key| view.lower_bound(key)), [0, 0, 1, 2]);
    let error = view.leaf_element(2).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("damaged data: expected element 2, found 2 elements, at byte {}", run.id * 1024)
    );
}

//! The formats of the writing side.

use crate::bolt::layout::{META_CHECKED_SIZE, META_SIZE, PAGE_HEADER_SIZE, fnv1a_64, u32_at};
use crate::bolt::patch::{Edits, Patch, Rewrite};
use crate::bolt::writer::{Layout, Write};
use crate::membership::{ConfState, InitialCluster, Member, PeerUrls};
use crate::snap::RaftSnapshot;
use crate::wal::{Encoder, HardState, Kind, Metadata, Records, SnapshotMark};
use crate::{ErrorKind, Machine, ReadAt as _, Step};

/// A log file. What was read is written again to the same frames.
pub fn wal(file: &[u8]) {
    let mut records = Records::new(file);
    let mut again = None::<Encoder>;
    let mut whole = true;
    for record in &mut records {
        let Ok(record) = record else {
            whole = false;
            break;
        };
        match (record.kind, again.as_mut()) {
            (Kind::Crc, _) if record.offset == 0 => again = Some(Encoder::new(0)),
            (kind, Some(encoder)) => encoder.record(kind, record.data),
            (_, None) => unreachable!("a record before the first checksum"),
        }
        let _ = (Metadata::decode(record.data), HardState::decode(record.data), SnapshotMark::decode(record.data));
    }
    let used = records.offset();
    assert!(used <= file.len() as u64, "{used} bytes used of {}", file.len());
    if let Some(again) = again.filter(|_| whole) {
        assert!(Records::new(&again.into_bytes()).all(|record| record.is_ok()), "what was read cannot be written");
    }
}

/// A raft snapshot file.
pub fn snap(file: &[u8]) {
    if let Ok(snapshot) = RaftSnapshot::decode(file) {
        assert!(snapshot.v2_store.len() <= file.len());
    }
}

/// A value of the `members` bucket, or the conf state.
pub fn member_json(json: &[u8]) {
    if let Ok(member) = Member::from_json(json) {
        assert_eq!(Member::from_json(member.to_json().as_bytes()).as_ref(), Ok(&member));
    }
    if let Ok(state) = ConfState::from_json(json) {
        assert_eq!(ConfState::from_json(state.to_json().as_bytes()).as_ref(), Ok(&state));
    }
}

/// An initial cluster, and each part of it as peer URLs.
pub fn initial_cluster(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(urls) = PeerUrls::parse(text) {
        assert_eq!(PeerUrls::parse(&urls.to_string()).as_ref(), Ok(&urls), "what is accepted is a fixed point");
    }
    let Ok(cluster) = InitialCluster::parse(text, "token") else { return };
    assert!(cluster.voters().is_sorted_by(|a, b| a < b), "ids ascend");
    for member in cluster.members() {
        let urls = PeerUrls::new(member.peer_urls().iter().map(String::as_str)).expect("valid URLs stay valid");
        assert_eq!(cluster.local_member(member.name(), &urls), Ok(member));
        assert_eq!(Member::from_json(member.to_json().as_bytes()).as_ref(), Ok(member));
    }
}

/// A bolt file that is patched and rewritten. The checksums of its metas are set right first, so that damage gets past them.
pub fn edit(file: &[u8]) {
    let mut file = file.to_vec();
    mend_metas(&mut file);
    let mut edits = Edits::new();
    edits.bucket("members").clear().put("key", "value");
    edits.bucket("meta").put("key", "value").remove("term");
    edits.bucket("key").append([0xff; 18], "");
    run(&mut Patch::new(file.len() as u64, edits.clone()), &file);
    if let Ok(mut rewrite) = Rewrite::new(file.len() as u64, edits, Layout::default()) {
        run(&mut rewrite, &file);
    }
}

/// Steps that a machine is given: a hostile file may ask for many.
const MAX_STEPS: usize = 20_000;

fn run<M>(machine: &mut M, file: &[u8])
where
    M: for<'a> Machine<Item<'a> = Write>,
{
    for _ in 0..MAX_STEPS {
        match machine.step() {
            Ok(Step::Read(request)) => {
                assert!(request.end() <= file.len() as u64 && request.len > 0, "{request:?} of {} bytes", file.len());
                let mut bytes = vec![0; request.len];
                file.read_exact_at(&mut bytes, request.offset).expect("the request is inside the file");
                if let Err(error) = machine.feed(&bytes) {
                    assert_ne!(error.kind(), ErrorKind::Misuse, "it asked for them");
                    return;
                }
            }
            Ok(Step::Item(write)) => assert!(!write.bytes.is_empty()),
            Ok(Step::Done) | Err(_) => return,
        }
    }
}

fn mend_metas(file: &mut [u8]) {
    let page_size = u32_at(file, PAGE_HEADER_SIZE.saturating_add(8)).unwrap_or_default();
    for page in [0, page_size as usize] {
        let meta = file.get_mut(page..).and_then(|page| page.get_mut(PAGE_HEADER_SIZE..)?.get_mut(..META_SIZE));
        if let Some((checked, checksum)) = meta.and_then(|meta| meta.split_at_mut_checked(META_CHECKED_SIZE)) {
            checksum.copy_from_slice(&fnv1a_64(checked).to_le_bytes());
        }
    }
}

//! Every rule that a survey checks, broken: it says so, goes on to the end, and never panics.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod history;
mod pages;

use etcd_format::bolt::Cursor;
use etcd_format::survey::{FindingKind, Severity, Summary, Survey, SurveyOptions};
use etcd_format::{DriveError, ErrorKind, drive};
use history::{History, Op};
use pages::{Built, FreelistForm, Numbers, Plan, Run, build};

fn records() -> History {
    let put = |round: u8, key: u8| -> Vec<Op> { vec![(key, Some(vec![round; usize::from(key) * 3]))] };
    let puts = (0..3).flat_map(|round| (0..40).map(move |key| put(round, key)));
    let mut history = History::of(&puts.chain((0..8).map(|key| vec![(key * 5, None)])).collect::<Vec<_>>());
    history.compact(60, false, None);
    history
}

/// A file with every kind of page: scattered, with gaps and a freelist, the records in a tree of three levels, other buckets inline.
fn sound() -> Built {
    let freelist = Some(FreelistForm::Short);
    build(&Plan { seed: 3, freelist, ..Plan::new(records().buckets()) })
}

fn survey(bytes: &Vec<u8>, options: SurveyOptions) -> Result<(Vec<FindingKind>, Summary), DriveError> {
    let mut survey = Survey::with_options(bytes.len() as u64, options);
    let mut kinds = Vec::new();
    drive(&mut survey, bytes, |finding| kinds.push(finding.kind))?;
    Ok((kinds, survey.finish()?))
}

/// A leaf, or a branch, of the bucket `key`: the one with this rank among those of its kind, by the first record.
fn run_of(built: &Built, is_leaf: bool, rank: usize) -> Run {
    let mut runs: Vec<Run> = built.runs_of(b"key", is_leaf).cloned().collect();
    runs.sort_by_key(|run| built.bytes[built.key_at(run, 0)..][..17].to_vec());
    runs[rank].clone()
}

fn leaf(built: &Built) -> Run {
    run_of(built, true, 4)
}

/// The top branch of the bucket `key` is the one that points at branches.
fn branch(built: &Built, is_top: bool) -> Run {
    let points_at_branch = |run: &Run| {
        let child = built.u64(built.element(run, 0) + 8);
        built.runs.iter().any(|other| other.id == child && !other.is_leaf)
    };
    let branches = built.runs_of(b"key", false);
    let mut found: Vec<Run> =
        branches.filter(|run| points_at_branch(run) == is_top && run.count > 2).cloned().collect();
    found.sort_by_key(|run| built.bytes[built.key_at(run, 0)..][..17].to_vec());
    found.last().unwrap().clone()
}

/// Where the root leaf's element of the bucket is, and where its value starts.
fn root_element(built: &Built, name: &[u8]) -> (usize, usize) {
    let run = built.runs_of(b"", true).next().unwrap().clone();
    let index = (0..run.count).find(|&at| built.bytes[built.key_at(&run, at)..].starts_with(name)).unwrap();
    let element = built.element(&run, index);
    (element, built.key_at(&run, index) + built.u32(element + 8) as usize)
}

type Damage = fn(&mut Built);

/// A name, the finding that must be there, and the deed.
fn damages() -> Vec<(&'static str, FindingKind, Damage)> {
    let mut list = page_damages();
    list.extend(key_damages());
    list.extend(free_damages());
    list.extend(content_damages());
    list
}

fn page_damages() -> Vec<(&'static str, FindingKind, Damage)> {
    vec![
        ("a meta with a flipped bit", FindingKind::MetaInvalid, |b| b.bytes[1024 + 16 + 30] ^= 1),
        ("a page with another id", FindingKind::PageId, |b| {
            let at = b.page(leaf(b).id).start;
            b.bytes[at] ^= 1;
        }),
        ("no flag", FindingKind::PageKind, |b| b.put(b.page(leaf(b).id).start + 8, &[0, 0])),
        ("two flags", FindingKind::PageKind, |b| b.put(b.page(leaf(b).id).start + 8, &[3, 0])),
        ("a freelist page in the tree", FindingKind::PageKind, |b| b.put(b.page(leaf(b).id).start + 8, &[0x10, 0])),
        ("a child at the high-water mark", FindingKind::PageOutOfRange, |b| set_child(b, b.high_water)),
        ("a child that is a meta", FindingKind::PageOutOfRange, |b| set_child(b, 1)),
        ("a child beyond all bounds", FindingKind::PageOutOfRange, |b| set_child(b, u64::MAX)),
        ("a run beyond the high-water mark", FindingKind::RunOutOfRange, |b| {
            b.put(b.page(leaf(b).id).start + 12, &0x7FFF_FFFF_u32.to_le_bytes());
        }),
        ("a run over the next page", FindingKind::PageShared, |b| {
            b.put(b.page(leaf(b).id).start + 12, &2_u32.to_le_bytes());
        }),
        ("a page with two parents", FindingKind::PageShared, |b| set_child(b, run_of(b, true, 0).id)),
        ("a branch that is its own child", FindingKind::PageShared, |b| set_child(b, branch(b, false).id)),
        ("a child that is the root", FindingKind::PageShared, |b| set_child(b, branch(b, true).id)),
        ("a leaf where branches are", FindingKind::Depth, |b| {
            let at = b.element(&branch(b, true), 1) + 8;
            b.put(at, &leaf(b).id.to_le_bytes());
        }),
        ("a branch without children", FindingKind::BranchEmpty, |b| {
            b.put(b.page(branch(b, false).id).start + 10, &[0, 0])
        }),
        ("a branch with too many", FindingKind::BranchTooFull, |b| {
            b.put(b.page(branch(b, false).id).start + 10, &[99, 0])
        }),
        ("a branch whose elements leave it", FindingKind::ElementBounds, |b| {
            b.put(b.page(branch(b, false).id).start + 10, &[29, 0]);
        }),
        ("a root that is a meta", FindingKind::PageOutOfRange, |b| b.edit_metas(|meta| meta[16] = 0)),
    ]
}

fn set_child(built: &mut Built, page: u64) {
    let at = built.element(&branch(built, false), 1) + 8;
    built.put(at, &page.to_le_bytes());
}

fn key_damages() -> Vec<(&'static str, FindingKind, Damage)> {
    vec![
        ("a value that leaves its page", FindingKind::ElementBounds, |b| {
            b.put(b.element(&leaf(b), 2) + 12, &[0xFF; 4])
        }),
        ("a position that leaves its page", FindingKind::ElementBounds, |b| {
            b.put(b.element(&leaf(b), 2) + 4, &[0xFF; 4])
        }),
        ("a count that leaves its page", FindingKind::ElementBounds, |b| {
            b.put(b.page(leaf(b).id).start + 10, &[0xFF; 2])
        }),
        ("an element over another", FindingKind::ElementOverlap, |b| {
            let at = b.element(&leaf(b), 2) + 4;
            let position = b.u32(at) - 30;
            b.put(at, &position.to_le_bytes());
        }),
        ("an element over the table", FindingKind::ElementOverlap, |b| {
            b.put(b.element(&leaf(b), 0) + 4, &8_u32.to_le_bytes())
        }),
        ("a key twice", FindingKind::KeyOrder, |b| {
            let (first, second) = (b.key_at(&leaf(b), 0), b.key_at(&leaf(b), 1));
            b.bytes.copy_within(first..first + 17, second);
        }),
        ("a separator twice", FindingKind::KeyOrder, |b| {
            let branch = branch(b, false);
            let (first, second) = (b.key_at(&branch, 0), b.key_at(&branch, 1));
            b.bytes.copy_within(first..first + 17, second);
        }),
        ("a key below its parent's", FindingKind::KeyOutsideParent, |b| b.put(b.key_at(&leaf(b), 0) + 7, &[0])),
        ("a key above the next page's", FindingKind::KeyOutsideParent, |b| {
            let leaf = leaf(b);
            b.put(b.key_at(&leaf, leaf.count - 1), &[0x7F]);
        }),
        ("a separator above the next branch's", FindingKind::KeyOutsideParent, |b| {
            let branches: Vec<Run> =
                b.runs_of(b"key", false).filter(|run| run.id != branch(b, true).id).cloned().collect();
            let low = branches.iter().min_by_key(|run| b.bytes[b.key_at(run, 0)..][..17].to_vec()).unwrap();
            let at = b.key_at(low, low.count - 1);
            b.put(at, &[0x7F]);
        }),
        ("a key of no bytes", FindingKind::KeyLength, |b| b.put(b.element(&leaf(b), 1) + 8, &[0; 4])),
    ]
}

fn free_damages() -> Vec<(&'static str, FindingKind, Damage)> {
    fn list(built: &Built) -> usize {
        built.page(built.freelist.unwrap()).start
    }
    vec![
        ("a used page in the freelist", FindingKind::PageFree, |b| b.put(list(b) + 16, &leaf(b).id.to_le_bytes())),
        ("a free page that is not in the list", FindingKind::PageLost, |b| {
            let count = b.free.len() as u16 - 1;
            b.put(list(b) + 10, &count.to_le_bytes());
        }),
        ("a free page twice", FindingKind::Freelist, |b| {
            let id = b.free[0].to_le_bytes();
            b.put(list(b) + 24, &id);
        }),
        ("free pages out of order", FindingKind::Freelist, |b| {
            b.put(list(b) + 16, &b.free[1].to_le_bytes());
            b.put(list(b) + 24, &b.free[0].to_le_bytes());
        }),
        ("a free page beyond the high-water mark", FindingKind::Freelist, |b| b.put(list(b) + 16, &[0xFF; 8])),
        ("more free pages than fit", FindingKind::Freelist, |b| b.put(list(b) + 10, &[0xFE, 0xFF])),
        ("a freelist that counts elsewhere, wrongly", FindingKind::Freelist, |b| {
            b.put(list(b) + 10, &[0xFF; 2]);
            b.put(list(b) + 16, &u64::MAX.to_le_bytes());
        }),
        ("a freelist that is a leaf", FindingKind::PageKind, |b| b.put(list(b) + 8, &[2])),
        ("a freelist with another id", FindingKind::PageId, |b| b.bytes[b.freelist.unwrap() as usize * 1024] ^= 1),
        ("a freelist that is too long", FindingKind::RunOutOfRange, |b| b.put(list(b) + 12, &[0xFF; 4])),
        ("a freelist out of range", FindingKind::PageOutOfRange, |b| {
            b.edit_metas(|meta| meta[32..40].copy_from_slice(&(1_u64 << 40).to_le_bytes()));
        }),
    ]
}

fn content_damages() -> Vec<(&'static str, FindingKind, Damage)> {
    vec![
        ("an inline bucket that is a branch", FindingKind::InlineBucket, |b| {
            b.put(root_element(b, b"cluster").1 + 24, &[1])
        }),
        ("an inline bucket with a page id", FindingKind::InlineBucket, |b| {
            b.put(root_element(b, b"cluster").1 + 16, &[1])
        }),
        ("an inline bucket that is cut", FindingKind::InlineBucket, |b| {
            b.put(root_element(b, b"meta").0 + 12, &20_u32.to_le_bytes());
        }),
        ("a bucket without its header", FindingKind::Bucket, |b| {
            b.put(root_element(b, b"meta").0 + 12, &9_u32.to_le_bytes())
        }),
        ("a plain key among the buckets", FindingKind::NotABucket, |b| b.put(root_element(b, b"lease").0, &[0; 4])),
        ("a bucket among the records", FindingKind::NestedBucket, |b| b.put(b.element(&leaf(b), 1), &[1])),
        ("a bucket in an inline bucket", FindingKind::NestedBucket, |b| {
            b.put(root_element(b, b"cluster").1 + 32, &[1])
        }),
        ("a record key without its mark", FindingKind::RecordKey, |b| b.put(b.key_at(&leaf(b), 1) + 8, b"-")),
        ("a record key that is negative", FindingKind::RecordKey, |b| b.put(b.key_at(&leaf(b), 4), &[0x80])),
        ("a record value that does not decode", FindingKind::RecordValue, |b| {
            b.put(b.key_at(&leaf(b), 1) + 17, &[0xFF])
        }),
        ("a record value of another revision", FindingKind::RecordValue, |b| {
            let (at, key) = (b.key_at(&leaf(b), 1), history::user_key(0).len());
            // Tag and length of the key, the key, create_revision, then tag and value of mod_revision.
            b.bytes[at + 17 + 2 + key + 2 + 1] ^= 1;
        }),
        ("a consistent index that is cut", FindingKind::Content, |b| {
            let value = root_element(b, b"meta").1;
            b.put(value + 32 + 12, &7_u32.to_le_bytes());
        }),
        ("a member that is no JSON", FindingKind::Content, |b| {
            let value = root_element(b, b"members").1;
            let json = b.bytes[value..].iter().position(|&byte| byte == b'{').unwrap();
            b.put(value + json, b"[");
        }),
    ]
}

#[test]
fn every_damage_is_found() {
    let (findings, _) = survey(&sound().bytes, SurveyOptions::default()).unwrap();
    assert_eq!(findings, []);
    for (name, kind, damage) in damages() {
        for window in [1, 1 << 20] {
            let mut built = sound();
            damage(&mut built);
            let (findings, summary) =
                survey(&built.bytes, SurveyOptions::default().with_window_leaves(window)).unwrap();
            assert!(findings.contains(&kind), "{name}: {findings:?}");
            assert_eq!(summary.is_sound(), kind.severity() == Severity::Notice, "{name}: {findings:?}");
        }
    }
}

#[test]
fn one_bad_meta_changes_nothing() {
    let built = sound();
    let (_, whole) = survey(&built.bytes, SurveyOptions::default()).unwrap();
    for page in 0..2 {
        let mut bytes = built.bytes.clone();
        bytes[page * 1024 + 16] ^= 0xFF;
        let (findings, summary) = survey(&bytes, SurveyOptions::default()).unwrap();
        assert_eq!(findings, [FindingKind::MetaInvalid]);
        assert_eq!((summary.status, summary.hash_kv), (whole.status.clone(), whole.hash_kv));
    }
}

#[test]
fn the_page_size_is_found_without_the_first_meta() {
    for page_size in [1024, 2048, 4096, 8192, 16384, 32768, 65536] {
        let mut built = build(&Plan { page_size, ..Plan::new(records().buckets()) });
        built.bytes[..page_size].fill(0);
        let (findings, summary) = survey(&built.bytes, SurveyOptions::default()).unwrap();
        assert_eq!(
            (findings.as_slice(), summary.page_size as usize),
            ([FindingKind::MetaInvalid].as_slice(), page_size)
        );
    }
}

#[test]
fn without_a_meta_it_is_no_bolt_file() {
    let mut bytes = sound().bytes;
    bytes[16] ^= 1;
    bytes[1024 + 16] ^= 1;
    for bytes in [bytes, Vec::new(), vec![0; 79], vec![0; 1 << 20]] {
        let error = survey(&bytes, SurveyOptions::default()).unwrap_err();
        assert!(matches!(&error, DriveError::Format(error) if error.kind() == ErrorKind::NotBolt), "{error}");
    }
    let mut newer = sound().bytes;
    for page in [0, 1024] {
        newer[page + 20] = 3;
    }
    let error = survey(&newer, SurveyOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "unsupported data: expected format version 2, found version 3, at byte 16");
}

#[test]
fn a_truncated_file_is_refused_at_every_page() {
    let built = sound();
    for pages in 0..built.high_water {
        for extra in [0, 1, 512] {
            let bytes = built.bytes[..pages as usize * 1024 + extra].to_vec();
            let Err(DriveError::Format(error)) = survey(&bytes, SurveyOptions::default()) else {
                panic!("{pages} pages")
            };
            let expected = if bytes.len() < 80 { ErrorKind::NotBolt } else { ErrorKind::Truncated };
            assert_eq!(error.kind(), expected, "{} bytes: {error}", bytes.len());
            let mut cursor = Cursor::new(bytes.len() as u64, b"key");
            assert!(matches!(drive(&mut cursor, &bytes, |_| ()), Err(DriveError::Format(_))));
        }
    }
}

#[test]
fn what_stands_behind_the_pages_is_not_looked_at() {
    let built = sound();
    let (_, whole) = survey(&built.bytes, SurveyOptions::default()).unwrap();
    let (_, longer) = survey(&[built.bytes.clone(), vec![0xAB; 5000]].concat(), SurveyOptions::default()).unwrap();
    assert_eq!(longer, whole);
}

#[test]
fn runs_above_the_limit_are_passed_over() {
    let built =
        build(&Plan::new(History::of(&[vec![(1, Some(vec![7; 5000]))], vec![(2, Some(vec![7; 10]))]]).buckets()));
    let (findings, _) = survey(&built.bytes, SurveyOptions::default().with_max_run_len(4096)).unwrap();
    assert_eq!(findings, [FindingKind::RunTooLong]);
}

#[test]
fn findings_of_one_page_are_listed_up_to_a_limit_and_counted_beyond_it() {
    let mut built = build(&Plan { per_leaf: 40, page_size: 8192, ..Plan::new(records().buckets()) });
    let run = run_of(&built, true, 0);
    for index in 0..run.count {
        let at = built.key_at(&run, index) + 8;
        built.put(at, b"~");
    }
    let mut survey = Survey::new(built.bytes.len() as u64);
    let mut lines = Vec::new();
    drive(&mut survey, &built.bytes, |finding| lines.push(finding.to_string())).unwrap();
    let summary = survey.finish().unwrap();
    assert_eq!(lines.len(), 16);
    assert_eq!(summary.damage, run.count as u64);
    let first = format!("page {0} (byte {1}), bucket key: record key: ", run.id, run.id * 8192);
    assert!(lines[0].starts_with(&first), "{}", lines[0]);
    assert!(lines[15].ends_with("and more here, which are counted but not listed"), "{}", lines[15]);
}

/// One seeded byte a page, and every byte of the metas and of all page headers.
#[test]
fn any_flipped_byte_is_survived() {
    let built = sound();
    let headers = (0..built.high_water as usize)
        .flat_map(|page| (0..if page < 2 { 80 } else { 24 }).map(move |at| page * 1024 + at));
    let mut numbers = Numbers(7);
    let seeded: Vec<usize> = (0..built.high_water as usize).map(|page| page * 1024 + numbers.below(1024)).collect();
    for at in headers.chain(seeded) {
        let mut bytes = built.bytes.clone();
        bytes[at] ^= numbers.next() as u8 | 1;
        let _ = survey(&bytes, SurveyOptions::default());
        let _ = drive(&mut Cursor::new(bytes.len() as u64, b"key"), &bytes, |_| ());
    }
}

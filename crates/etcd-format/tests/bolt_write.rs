//! Files that are written or edited hold what they should, whatever their content and layout.

mod model;
mod restoring;

use etcd_format::ErrorKind;
use etcd_format::bolt::patch::{Edits, Patch};
use etcd_format::bolt::writer::{BoltWriter, Freelist, Layout};
use etcd_format::drive;
use etcd_format::survey::Survey;
use model::{Items, Model, edited, edits, layout, model, read, shape, write};
use proptest::prelude::*;
use restoring::{patched, rewritten};

/// The findings of a survey.
fn findings(file: &Vec<u8>) -> Vec<String> {
    let mut survey = Survey::new(file.len() as u64);
    let mut findings = Vec::new();
    drive(&mut survey, file, |finding| findings.push(format!("{finding:?}"))).expect("a whole file");
    findings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back((model, layout) in (model(), layout())) {
        let file = write(&model, layout).unwrap();
        prop_assert_eq!(&shape(&file).unwrap().model, &model);
        prop_assert_eq!(&read(&file).unwrap(), &model);
        prop_assert_eq!(findings(&file), Vec::<String>::new());
    }

    #[test]
    fn a_patch_equals_the_model(
        (layout, (model, edits)) in (layout(), model().prop_flat_map(|model| { let edits = edits(&model); (Just(model), edits) }))
    ) {
        let file = write(&model, layout).unwrap();
        let patched = patched(&file, edits.clone()).unwrap();
        prop_assert_eq!(shape(&patched).unwrap().model, edited(&model, &edits));
        prop_assert_eq!(findings(&patched), Vec::<String>::new());
    }

    #[test]
    fn a_rewrite_equals_the_model(
        (from, to) in (layout(), layout()),
        (model, edits) in model().prop_flat_map(|model| { let edits = edits(&model); (Just(model), edits) })
    ) {
        let file = write(&model, from).unwrap();
        let rewritten = rewritten(&file, edits.clone(), to).unwrap();
        prop_assert_eq!(shape(&rewritten).unwrap().model, edited(&model, &edits));
    }

    /// Whatever the bytes are, an edit ends, with a file or with an error.
    #[test]
    fn damage_never_panics(
        (layout, model) in (layout(), model()),
        edits in edits(&Model::new()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        near_the_start in any::<bool>(),
        appended in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut file = write(&model, layout.clone()).unwrap();
        for (index, byte) in damage {
            // Damage to headers and elements does more than damage to values.
            let len = if near_the_start { layout.page_size as usize } else { file.len() };
            let at = index.index(file.len() / len) * len + index.index(len.min(200));
            file[at] = byte;
        }
        let mut edits = edits;
        if let Some(name) = appended.and_then(|index| model.keys().nth(index.index(model.len().max(1)))) {
            edits.bucket(name.clone()).append(vec![0xff; 4000], "");
        }
        let _ = patched(&file, edits.clone());
        let _ = rewritten(&file, edits, layout);
    }
}

/// A bucket with this many small items, in pages of 1 KiB.
fn large(count: u32) -> Model {
    let items = (0..count).map(|key| (key.to_be_bytes().to_vec(), vec![7; 220])).collect();
    Model::from([(b"data".to_vec(), items), (b"meta".to_vec(), Items::from([(vec![1], vec![1])]))])
}

fn small_pages() -> Layout {
    Layout::default().with_page_size(1024)
}

/// Every count around which a page of some level is just full, or has one item too many.
#[test]
fn no_branch_has_a_single_child() {
    let mut deepest = 0;
    for count in (0..500).chain((500..14_000).step_by(389)) {
        let model = large(count);
        let file = write(&model, small_pages()).unwrap();
        let shape = shape(&file).unwrap();
        deepest = deepest.max(shape.depth);
        assert!(shape.model == model, "{count} items");
    }
    assert!(deepest >= 4, "a root and three levels, not {deepest}");
}

/// Keys so long that a branch page has room for two of them only.
#[test]
fn long_keys_make_small_branches() {
    for count in 0..40_u8 {
        let items = (0..count).map(|key| ([vec![key], vec![0; 600]].concat(), vec![])).collect();
        let model = Model::from([(b"b".to_vec(), items)]);
        let file = write(&model, small_pages()).unwrap();
        assert!(shape(&file).unwrap().model == model, "{count} items");
    }
}

/// The right edge, where every page of it is full in turn.
#[test]
fn appending_works_at_every_fill() {
    for count in (0..200).chain((200..6000).step_by(411)) {
        let model = large(count);
        let file = write(&model, small_pages()).unwrap();
        let mut edits = Edits::new();
        edits.bucket("data").append(u32::MAX.to_be_bytes(), "");
        let patched = patched(&file, edits.clone()).unwrap();
        assert!(shape(&patched).unwrap().model == edited(&model, &edits), "{count} items");
    }
}

#[test]
fn a_patch_appends_few_pages_whatever_the_size() {
    let file = write(&large(20_000), small_pages()).unwrap();
    let mut edits = Edits::new();
    edits.bucket("data").append(u32::MAX.to_be_bytes(), "");
    edits.bucket("meta").put([2], [2]);
    let mut patch = Patch::new(file.len() as u64, edits);
    let mut offsets = Vec::new();
    drive(&mut patch, &file, |write| offsets.push(write.offset)).unwrap();
    assert_eq!(offsets.last(), Some(&1024), "the meta of transaction 3 comes last");
    assert!(offsets.iter().rev().skip(1).all(|offset| *offset >= file.len() as u64), "no page of the file is touched");
    assert!(patch.file_len().unwrap() < file.len() as u64 + 10 * 1024);
}

#[test]
fn a_record_below_the_last_is_refused() {
    for count in [1, 5000] {
        let file = write(&large(count), small_pages()).unwrap();
        let mut edits = Edits::new();
        edits.bucket("data").append((count - 1).to_be_bytes(), "");
        let error = patched(&file, edits.clone()).unwrap_err();
        assert!(error.to_string().contains("a key above"), "{error}");
        assert!(rewritten(&file, edits, small_pages()).is_err());
    }
}

/// Such a bucket is no small one: the caller is told to rewrite the file, with the same edits.
#[test]
fn a_large_bucket_is_not_patched_but_rewritten() {
    let items = (0..600_u32).map(|key| (key.to_be_bytes().to_vec(), vec![0; 40_000])).collect();
    let model = Model::from([(b"members".to_vec(), items)]);
    let file = write(&model, Layout::default()).unwrap();
    let mut edits = Edits::new();
    edits.bucket("members").put("new", "value");
    let mut patch = Patch::new(file.len() as u64, edits.clone());
    let error = drive(&mut patch, &file, |_| panic!("a write before the end of the reads")).unwrap_err();
    assert!(error.to_string().contains("rewrite the file"), "{error}");
    assert_eq!(patch.step().unwrap_err().kind(), ErrorKind::Unsupported, "every later step says the same");
    let rewritten = rewritten(&file, edits.clone(), Layout::default()).unwrap();
    assert!(shape(&rewritten).unwrap().model == edited(&model, &edits));
}

#[test]
fn a_file_that_is_too_short_is_truncated() {
    let mut file = write(&large(100), small_pages()).unwrap();
    file.truncate(file.len() - 1);
    let error = patched(&file, Edits::new()).unwrap_err();
    assert!(error.to_string().contains("truncated"), "{error}");
}

#[test]
fn the_writer_refuses_what_the_format_cannot_carry() {
    let kind = |result: Result<(), etcd_format::FormatError>| result.unwrap_err().kind();
    let mut writer = BoltWriter::new(Layout::default()).unwrap();
    assert_eq!(kind(writer.put(b"a", b"")), ErrorKind::Misuse);
    writer.begin_bucket(b"b").unwrap();
    assert_eq!(kind(writer.put(b"", b"")), ErrorKind::InvalidInput);
    assert_eq!(kind(writer.put(&[0; 32_769], b"")), ErrorKind::InvalidInput);
    writer.put(b"b", b"").unwrap();
    assert_eq!(kind(writer.put(b"b", b"")), ErrorKind::InvalidInput);
    assert_eq!(kind(writer.put(b"a", b"")), ErrorKind::InvalidInput);
    writer.begin_bucket(b"a").unwrap();
    assert_eq!(kind(writer.finish().map(drop)), ErrorKind::InvalidInput, "the names do not ascend");
    for layout in [
        Layout::default().with_page_size(512),
        Layout::default().with_page_size(5000),
        Layout::default().with_page_size(131_072),
        Layout::default().with_fill_percent(9),
        Layout::default().with_fill_percent(101),
        Layout::default().with_txid(0),
    ] {
        assert_eq!(BoltWriter::new(layout.clone()).unwrap_err().kind(), ErrorKind::InvalidInput, "{layout:?}");
    }
}

/// From 65,535 ids on, the count of a freelist stands elsewhere.
#[test]
fn a_freelist_of_any_length_reads_back() {
    for spare_pages in [0, 1, 65_534, 65_535, 65_536] {
        let layout = small_pages().with_freelist(Freelist::Stored { spare_pages });
        let file = write(&large(10), layout).unwrap();
        assert_eq!(findings(&file), Vec::<String>::new(), "{spare_pages} free pages");
        let patched = patched(&file, Edits::new()).unwrap();
        assert_eq!(findings(&patched), Vec::<String>::new(), "{spare_pages} free pages, patched");
    }
}

/// The bound that the writer's documentation names, counted in what it has handed out.
#[test]
fn the_writer_holds_little() {
    let mut writer = BoltWriter::new(Layout::default()).unwrap();
    let (mut put, mut taken) = (0, 0);
    writer.begin_bucket(b"key").unwrap();
    for key in 0..50_000_u32 {
        writer.put(&key.to_be_bytes(), &[1; 300]).unwrap();
        put += 304;
        while let Some(write) = writer.next_write() {
            taken += write.bytes.len();
        }
        assert!(put < taken + (512 << 10), "{put} bytes in, {taken} bytes out");
    }
}

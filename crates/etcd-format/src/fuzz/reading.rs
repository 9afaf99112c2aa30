//! The formats of the reading side.

use crate::bolt::{Cursor, Meta, PageView};
use crate::mvcc::{KeyValueView, RevisionKey};
use crate::survey::{Summary, Survey, SurveyOptions};
use crate::{Machine, Step};

/// A database: the first byte picks the window. What is sound under one window is sound under all, with the same summary; and a
/// cursor gets through the buckets of a sound file.
pub fn survey(input: &[u8]) {
    let Some((&window, file)) = input.split_first() else { return };
    let windows = [usize::from(window).max(1), 1 << 17];
    let [narrow, wide] = windows.map(|leaves| surveyed(file, SurveyOptions::default().with_window_leaves(leaves)));
    let (Some(narrow), Some(wide)) = (narrow, wide) else { return };
    assert_eq!(narrow.is_sound(), wide.is_sound(), "the window decides what is found");
    if narrow.is_sound() {
        assert_eq!(narrow, wide, "the window decides what is learned");
        cursor(file);
    }
}

/// Steps a machine to its end or its error; counts its items, and the steps so that it ends.
fn drive<M: Machine>(machine: &mut M, file: &[u8]) -> Option<u64> {
    let mut items = 0;
    for _ in 0..file.len().saturating_mul(8).saturating_add(1000) {
        let request = match machine.step() {
            Ok(Step::Read(request)) => request,
            Ok(Step::Item(_)) => {
                items += 1;
                continue;
            }
            Ok(Step::Done) => return Some(items),
            Err(_) => return None,
        };
        assert!(request.len > 0 && request.ahead >= request.end() && request.ahead <= file.len() as u64, "{request:?}");
        let range = usize::try_from(request.offset).ok().and_then(|from| file.get(from..)?.get(..request.len));
        let Some(bytes) = range else { panic!("{request:?} of {} bytes", file.len()) };
        if machine.feed(bytes).is_err() {
            return None;
        }
    }
    panic!("a machine that does not end");
}

fn surveyed(file: &[u8], options: SurveyOptions) -> Option<Summary> {
    let mut survey = Survey::with_options(file.len() as u64, options);
    let findings = drive(&mut survey, file)?;
    let summary = survey.finish().ok()?;
    assert!(findings <= summary.damage.saturating_add(summary.notices), "more findings than were counted");
    Some(summary)
}

/// A database, bucket by bucket.
pub fn cursor(file: &[u8]) {
    let len = file.len() as u64;
    drive(&mut Cursor::buckets(len), file);
    for bucket in [b"key".as_slice(), b"meta", b"lease"] {
        drive(&mut Cursor::new(len, bucket), file);
        let mut from_the_middle = Cursor::new(len, bucket);
        from_the_middle.seek(&[0, 0, 0, 0, 0, 0, 1]);
        drive(&mut from_the_middle, file);
    }
}

/// A page, at any length.
pub fn page(bytes: &[u8]) {
    let _ = Meta::parse(bytes, 0);
    let Ok(view) = PageView::new(bytes, 0) else { return };
    let leaves = view.leaf_elements().filter_map(Result::ok);
    let read = leaves.map(|element| element.position + element.key.len() + element.value.len());
    assert!(read.max().unwrap_or(0) <= bytes.len(), "an element leaves the page");
    let _ = view.branch_elements().filter_map(Result::ok).count();
    assert!(view.lower_bound(b"middle") <= usize::from(view.header().count));
}

/// A record's value, and its key.
pub fn record(bytes: &[u8]) {
    let key_len = bytes.len().min(RevisionKey::MAX_LEN);
    if let Ok(key) = RevisionKey::parse(bytes.get(..key_len).unwrap_or_default()) {
        assert_eq!(Some(key.to_vec().as_slice()), bytes.get(..key_len));
    }
    if let Ok(key_value) = KeyValueView::decode(bytes) {
        assert!(key_value.key.len().max(key_value.value.len()) <= bytes.len());
    }
}

//! Databases as plain maps, to compare files with.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;

use etcd_format::bolt::layout::BUCKET_HEADER_SIZE;
use etcd_format::bolt::patch::Edits;
use etcd_format::bolt::writer::{BoltWriter, Freelist, Layout};
use etcd_format::bolt::{BucketView, Cursor, MetaReader, PageHeader, PageKind, PageView};
use etcd_format::{FormatError, drive};
use proptest::prelude::*;

/// The items of one bucket.
pub(crate) type Items = BTreeMap<Vec<u8>, Vec<u8>>;
/// The buckets of a file.
pub(crate) type Model = BTreeMap<Vec<u8>, Items>;

/// The file with this content.
pub(crate) fn write(model: &Model, layout: Layout) -> Result<Vec<u8>, FormatError> {
    let mut writer = BoltWriter::new(layout)?;
    let mut file = Vec::new();
    let mut take = |writer: &mut BoltWriter| {
        while let Some(write) = writer.next_write() {
            super::restoring::apply(&mut file, &write);
        }
    };
    for (name, items) in model {
        writer.begin_bucket(name)?;
        for (key, value) in items {
            writer.put(key, value)?;
            take(&mut writer);
        }
    }
    let len = writer.finish()?;
    take(&mut writer);
    file.resize(len as usize, 0);
    Ok(file)
}

/// The content of this file.
pub(crate) fn read(file: &Vec<u8>) -> anyhow::Result<Model> {
    let len = file.len() as u64;
    let mut names = Vec::new();
    drive(&mut Cursor::buckets(len), file, |entry| {
        assert!(entry.is_bucket);
        names.push(entry.key.to_vec());
    })?;
    let mut model = Model::new();
    for name in names {
        let mut items = Items::new();
        drive(&mut Cursor::new(len, &name), file, |entry| {
            assert!(items.insert(entry.key.to_vec(), entry.value.to_vec()).is_none());
        })?;
        model.insert(name, items);
    }
    Ok(model)
}

/// The content after these edits.
pub(crate) fn edited(model: &Model, edits: &Edits) -> Model {
    let mut model = model.clone();
    for (name, edits) in edits.buckets() {
        let items = model.entry(name.to_vec()).or_default();
        if edits.is_cleared() {
            items.clear();
        }
        for (key, value) in edits.items() {
            match value {
                Some(value) => items.insert(key.to_vec(), value.to_vec()),
                None => items.remove(key),
            };
        }
        items.extend(edits.appended().map(|(key, value)| (key.to_vec(), value.to_vec())));
    }
    model
}

/// The hash that `etcdutl snapshot status` prints: CRC-32C over names, keys and values in order.
pub(crate) fn status_hash(model: &Model) -> u32 {
    let mut hash = 0;
    for (name, items) in model {
        hash = crc32c::crc32c_append(hash, name);
        for (key, value) in items {
            hash = crc32c::crc32c_append(hash, key);
            hash = crc32c::crc32c_append(hash, value);
        }
    }
    hash
}

/// What a walk over all pages found.
pub(crate) struct Shape {
    pub(crate) model: Model,
    /// Levels of the deepest tree, its leaves included.
    pub(crate) depth: usize,
}

/// Walks over all pages, without the crate's cursor, and checks what bbolt asserts or assumes beyond what a reader needs:
/// at least two children in a branch, no empty leaf but a root, small buckets inline.
pub(crate) fn shape(file: &Vec<u8>) -> anyhow::Result<Shape> {
    let mut meta = None;
    drive(&mut MetaReader::new(file.len() as u64), file, |metas| meta = Some(metas.chosen))?;
    let meta = meta.expect("a meta");
    assert_eq!(file.len() as u64, meta.file_len_wanted(), "the file ends at the high-water mark");
    let walk = Walk { file, page_size: meta.page_size as usize };
    let mut buckets = Vec::new();
    let mut depth = walk.tree(meta.root, &mut buckets)?;
    let mut model = Model::new();
    for (name, value, is_bucket) in buckets {
        assert!(is_bucket);
        let bucket = BucketView::parse(&value, 0)?;
        let mut items = Vec::new();
        if bucket.root == 0 {
            assert!(value.len() <= BUCKET_HEADER_SIZE + walk.page_size / 4, "an inline bucket is too large");
            collect(&PageView::new(bucket.inline, 0)?, &mut items)?;
        } else {
            depth = depth.max(walk.tree(bucket.root, &mut items)?);
        }
        assert!(items.is_sorted_by(|a, b| a.0 < b.0), "the keys ascend");
        model.insert(name, items.into_iter().map(|(key, value, _)| (key, value)).collect());
    }
    Ok(Shape { model, depth })
}

type Elements = Vec<(Vec<u8>, Vec<u8>, bool)>;

struct Walk<'a> {
    file: &'a [u8],
    page_size: usize,
}

impl Walk<'_> {
    fn tree(&self, root: u64, elements: &mut Elements) -> anyhow::Result<usize> {
        self.page(root, true, elements)
    }

    fn page(&self, page: u64, is_root: bool, elements: &mut Elements) -> anyhow::Result<usize> {
        let at = page as usize * self.page_size;
        let header = PageHeader::parse(&self.file[at..]).expect("a header");
        let len = (header.overflow as usize + 1) * self.page_size;
        let view = PageView::new(&self.file[at..at + len], at as u64)?;
        assert_eq!(header.id, page);
        match view.kind()? {
            PageKind::Branch => {
                assert!(header.count >= 2, "the branch page {page} has {} children", header.count);
                let mut depth = 0;
                for element in view.branch_elements() {
                    let element = element?;
                    let first = elements.len();
                    depth = depth.max(self.page(element.child, false, elements)?);
                    assert_eq!(elements[first].0, element.key, "a branch names the first key below it");
                }
                Ok(depth + 1)
            }
            PageKind::Leaf => {
                assert!(is_root || header.count > 0, "the leaf page {page} is empty");
                collect(&view, elements)?;
                Ok(1)
            }
            kind => panic!("a page of kind {kind:?} in a tree"),
        }
    }
}

fn collect(leaf: &PageView<'_>, elements: &mut Elements) -> anyhow::Result<()> {
    for element in leaf.leaf_elements() {
        let element = element?;
        elements.push((element.key.to_vec(), element.value.to_vec(), element.is_bucket));
    }
    Ok(())
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 1..20),
        1 => prop::collection::vec(any::<u8>(), 200..600),
        1 => (any::<u8>(), 1500..3000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..60),
        2 => (any::<u8>(), 200..1500_usize).prop_map(|(byte, len)| vec![byte; len]),
        1 => (any::<u8>(), 5000..20_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

/// Buckets of very different sizes, some of them empty.
pub(crate) fn model() -> impl Strategy<Value = Model> {
    let few = prop::collection::btree_map(key(), value(), 0..8);
    let many = prop::collection::btree_map(key(), value(), 50..250);
    prop::collection::btree_map(prop::collection::vec(any::<u8>(), 1..16), prop_oneof![3 => few, 1 => many], 0..8)
}

/// Layouts of every kind.
pub(crate) fn layout() -> impl Strategy<Value = Layout> {
    let freelist = prop_oneof![
        2 => Just(Freelist::Omitted),
        1 => (0..400_u32).prop_map(|spare_pages| Freelist::Stored { spare_pages }),
    ];
    (10..=16_u32, 10..=100_u8, 1..u64::from(u32::MAX), freelist).prop_map(|(shift, fill, txid, freelist)| {
        Layout::default().with_page_size(1 << shift).with_fill_percent(fill).with_txid(txid).with_freelist(freelist)
    })
}

/// Edits that touch old and new keys of old and new buckets.
pub(crate) fn edits(model: &Model) -> impl Strategy<Value = Edits> + use<> {
    let keys: Vec<(Vec<u8>, Vec<u8>)> = model
        .iter()
        .flat_map(|(name, items)| {
            let keys = items.keys().cloned().chain([vec![1], vec![2, 2]]);
            keys.map(|key| (name.clone(), key)).collect::<Vec<_>>()
        })
        .chain([(vec![0], vec![1]), (vec![0xff; 3], vec![9])])
        .collect();
    let change = (prop::sample::select(keys.clone()), prop::option::weighted(0.7, value()));
    let appended = prop::collection::vec((prop::sample::select(keys), value()), 0..3);
    let changes = prop::collection::vec(change, 0..6);
    let cleared = prop::collection::vec(any::<prop::sample::Index>(), 0..2);
    let model = model.clone();
    (changes, appended, cleared).prop_map(move |(changes, appended, cleared)| {
        let mut edits = Edits::new();
        for ((bucket, key), value) in changes {
            match value {
                Some(value) => edits.bucket(bucket).put(key, value),
                None => edits.bucket(bucket).remove(key),
            };
        }
        for index in cleared.into_iter().filter(|_| !model.is_empty()) {
            let name = model.keys().nth(index.index(model.len())).expect("an index below the length");
            edits.bucket(name.clone()).clear();
        }
        for ((bucket, _), value) in appended {
            edits.bucket(bucket).append(vec![0xff; 4000], value);
        }
        edits
    })
}

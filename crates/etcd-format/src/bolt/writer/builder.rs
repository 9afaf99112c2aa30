//! The file as a whole.

use super::node::push_header;
use super::tree::root_page;
use super::{Freelist, Layout, Pages, TreeBuilder, Write, bucket_value, meta_page};
use crate::bolt::Meta;
use crate::bolt::layout::{
    BUCKET_ELEMENT_FLAG, FREELIST_COUNT_OVERFLOW, FREELIST_FLAG, PAGE_HEADER_SIZE, PAGE_ID_SIZE,
};
use crate::{ErrorKind, FormatError};

/// Writes a bolt file front to back.
///
/// Buckets come in the byte order of their names, the items of each in the order of their keys; buckets inside buckets
/// are not supported (etcd has none). After each call take the pieces from [`next_write`](Self::next_write) and put each
/// at its offset; only the metas, which come last, go back to the start.
///
/// Memory: at most 512 KiB of completed pages, or the largest record if that is more; one leaf page; two branch pages for each level of the tree;
/// the small buckets that stand inline in the root.
///
/// ```
/// use etcd_format::bolt::writer::{BoltWriter, Layout};
///
/// let mut file = Vec::new();
/// let mut writer = BoltWriter::new(Layout::default())?;
/// writer.begin_bucket(b"meta")?;
/// writer.put(b"storageVersion", b"3.6.0")?;
/// let len = writer.finish()?;
/// file.resize(len as usize, 0);
/// while let Some(write) = writer.next_write() {
///     let at = write.offset as usize;
///     file[at..at + write.bytes.len()].copy_from_slice(&write.bytes);
/// }
/// assert_eq!(file.len(), 3 * 4096);
/// # Ok::<(), etcd_format::FormatError>(())
/// ```
#[derive(Debug)]
pub struct BoltWriter {
    layout: Layout,
    pages: Pages,
    root: Option<TreeBuilder>,
    bucket: Option<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    name: Vec<u8>,
    tree: TreeBuilder,
}

/// The first page behind the metas.
const FIRST_PAGE: u64 = 2;

impl BoltWriter {
    /// A writer of a file without buckets.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if a number of the layout is out of its range.
    pub fn new(layout: Layout) -> Result<Self, FormatError> {
        layout.check()?;
        let pages = Pages::new(layout.page_size, FIRST_PAGE);
        let root = Some(TreeBuilder::new(layout.full()));
        Ok(Self { layout, pages, root, bucket: None })
    }

    /// Begins a top-level bucket and ends the one before. Names ascend byte by byte.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name is empty or longer than 32,768 bytes; if it is not above the
    /// name before, that is found when the bucket ends. [`Misuse`](ErrorKind::Misuse) after [`finish`](Self::finish).
    pub fn begin_bucket(&mut self, name: &[u8]) -> Result<(), FormatError> {
        self.end_bucket()?;
        self.bucket = Some(Bucket { name: name.to_vec(), tree: TreeBuilder::new(self.layout.full()) });
        Ok(())
    }

    /// Adds an item to the bucket that was begun last. Keys ascend byte by byte.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the key is not above the one before, is empty or longer than 32,768
    /// bytes, or the value is longer than 2^31-2 bytes. [`Misuse`](ErrorKind::Misuse) before any bucket was begun.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), FormatError> {
        let bucket = self.bucket.as_mut().ok_or_else(|| misuse("a bucket to be begun before an item"))?;
        bucket.tree.push(&mut self.pages, 0, key, value)
    }

    /// The next piece that is complete, if there is one.
    pub fn next_write(&mut self) -> Option<Write> {
        self.pages.pop()
    }

    /// Ends the file, after which [`next_write`](Self::next_write) has the rest of it. Returns its length in bytes: make
    /// the file that long, because free pages at its end are not written.
    ///
    /// # Errors
    ///
    /// As [`begin_bucket`](Self::begin_bucket) for the last bucket; [`Misuse`](ErrorKind::Misuse) the second time.
    pub fn finish(&mut self) -> Result<u64, FormatError> {
        self.end_bucket()?;
        let tree = self.root.take().ok_or_else(finished)?;
        let root = root_page(tree, &mut self.pages);
        let freelist = self.write_freelist();
        self.write_metas(root, freelist);
        Ok(self.pages.next() * u64::from(self.layout.page_size))
    }

    fn end_bucket(&mut self) -> Result<(), FormatError> {
        let root = self.root.as_mut().ok_or_else(finished)?;
        if let Some(Bucket { name, tree }) = self.bucket.take() {
            let value = bucket_value(tree, &mut self.pages, 0);
            root.push(&mut self.pages, BUCKET_ELEMENT_FLAG, &name, &value)?;
        }
        Ok(())
    }

    /// Writes the freelist page if it is wished.
    fn write_freelist(&mut self) -> Option<u64> {
        let Freelist::Stored { spare_pages } = self.layout.freelist else {
            return None;
        };
        let spare = u64::from(spare_pages);
        let words = spare + u64::from(spare >= u64::from(FREELIST_COUNT_OVERFLOW));
        let size = PAGE_HEADER_SIZE as u64 + words * PAGE_ID_SIZE as u64;
        let pages = size.div_ceil(u64::from(self.layout.page_size));
        let first = self.pages.next() + pages;
        let page = self.pages.write(|out| push_freelist(out, first..first + spare));
        self.pages.skip(spare);
        Some(page)
    }

    fn write_metas(&mut self, root: u64, freelist: Option<u64>) {
        let high_water = self.pages.next();
        for txid in [self.layout.txid - 1, self.layout.txid] {
            let mut meta = Meta::new(self.layout.page_size, root, high_water, txid);
            meta.freelist = freelist;
            let (page, bytes) = meta_page(&meta);
            self.pages.write_at(page, bytes);
        }
    }
}

/// The image of a freelist page. From 65,535 ids on, the count stands in the first word instead of the header.
fn push_freelist(out: &mut Vec<u8>, ids: std::ops::Range<u64>) {
    let count = ids.end - ids.start;
    if count < u64::from(FREELIST_COUNT_OVERFLOW) {
        push_header(out, FREELIST_FLAG, count as usize);
    } else {
        push_header(out, FREELIST_FLAG, usize::from(FREELIST_COUNT_OVERFLOW));
        out.extend_from_slice(&count.to_le_bytes());
    }
    for id in ids {
        out.extend_from_slice(&id.to_le_bytes());
    }
}

fn misuse(expected: &'static str) -> FormatError {
    FormatError::new(ErrorKind::Misuse, expected)
}

fn finished() -> FormatError {
    misuse("no call behind finish")
}

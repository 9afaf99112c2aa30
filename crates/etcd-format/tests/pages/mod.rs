//! A builder of bolt files that shares no code with the crate: pages in any place, of any fill, and where each one is.

#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests: each file uses a part, and a panic is a failure")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(crate) type Items = BTreeMap<Vec<u8>, Vec<u8>>;

/// What to build.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) page_size: usize,
    pub(crate) buckets: BTreeMap<Vec<u8>, Items>,
    /// Buckets that take at most a quarter of a page go into the root leaf.
    pub(crate) inline: bool,
    pub(crate) per_leaf: usize,
    pub(crate) per_branch: usize,
    /// How pages are scattered; 0 keeps them in order without gaps.
    pub(crate) seed: u64,
    /// Store the ids of free pages. With `long` in the form for 65,535 ids and more.
    pub(crate) freelist: Option<FreelistForm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FreelistForm {
    Short,
    Long,
}

impl Plan {
    pub(crate) fn new(buckets: BTreeMap<Vec<u8>, Items>) -> Self {
        Self { page_size: 1024, buckets, inline: true, per_leaf: 5, per_branch: 4, seed: 0, freelist: None }
    }
}

/// A page run of a built file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) pages: u64,
    pub(crate) is_leaf: bool,
    pub(crate) bucket: Vec<u8>,
    /// How many elements it has.
    pub(crate) count: usize,
}

/// A built file.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) bytes: Vec<u8>,
    pub(crate) page_size: usize,
    pub(crate) runs: Vec<Run>,
    pub(crate) root: u64,
    pub(crate) freelist: Option<u64>,
    pub(crate) free: Vec<u64>,
    pub(crate) high_water: u64,
}

impl Built {
    pub(crate) fn page(&self, id: u64) -> Range<usize> {
        let start = id as usize * self.page_size;
        start..start + self.page_size
    }

    /// Runs of the bucket, in no particular order.
    pub(crate) fn runs_of<'a>(&'a self, bucket: &'a [u8], is_leaf: bool) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.bucket == bucket && run.is_leaf == is_leaf)
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().unwrap())
    }

    pub(crate) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    /// Where the element with this index starts, of a branch or a leaf.
    pub(crate) fn element(&self, run: &Run, index: usize) -> usize {
        self.page(run.id).start + 16 + index * 16
    }

    /// Where the key of the element starts.
    pub(crate) fn key_at(&self, run: &Run, index: usize) -> usize {
        let element = self.element(run, index);
        element + self.u32(element + if run.is_leaf { 4 } else { 0 }) as usize
    }

    /// Changes both metas and mends their checksums.
    pub(crate) fn edit_metas(&mut self, edit: impl Fn(&mut [u8])) {
        for page in 0..2 {
            let start = page * self.page_size + 16;
            edit(&mut self.bytes[start..start + 64]);
            let sum = fnv(&self.bytes[start..start + 56]).to_le_bytes();
            self.bytes[start + 56..start + 64].copy_from_slice(&sum);
        }
    }
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(14_695_981_039_346_656_037, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211))
}

/// A generator of numbers that is the same everywhere: SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// One element: flags, key, value of a leaf; key and child of a branch.
enum Draft {
    Leaf(Vec<(u32, Vec<u8>, Vec<u8>)>),
    /// Children are indices of drafts until places are given.
    Branch(Vec<(Vec<u8>, usize)>),
}

impl Draft {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(items) => 16 + items.iter().map(|(_, key, value)| 16 + key.len() + value.len()).sum::<usize>(),
            Self::Branch(items) => 16 + items.iter().map(|(key, _)| 16 + key.len()).sum::<usize>(),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Leaf(items) => items.len(),
            Self::Branch(items) => items.len(),
        }
    }

    fn image(&self, id: u64, overflow: u32, place: impl Fn(usize) -> u64) -> Vec<u8> {
        let flags: u16 = if matches!(self, Self::Leaf(_)) { 2 } else { 1 };
        let mut image = id.to_le_bytes().to_vec();
        image.extend(flags.to_le_bytes());
        image.extend((self.count() as u16).to_le_bytes());
        image.extend(overflow.to_le_bytes());
        let mut data = Vec::new();
        let position = |index: usize, data: &Vec<u8>| ((self.count() - index) * 16 + data.len()) as u32;
        match self {
            Self::Leaf(items) => {
                for (index, (flags, key, value)) in items.iter().enumerate() {
                    let at = position(index, &data);
                    for word in [*flags, at, key.len() as u32, value.len() as u32] {
                        image.extend(word.to_le_bytes());
                    }
                    data.extend(key);
                    data.extend(value);
                }
            }
            Self::Branch(items) => {
                for (index, (key, child)) in items.iter().enumerate() {
                    for word in [position(index, &data), key.len() as u32] {
                        image.extend(word.to_le_bytes());
                    }
                    image.extend(place(*child).to_le_bytes());
                    data.extend(key);
                }
            }
        }
        image.extend(data);
        image
    }
}

struct Drafts {
    list: Vec<(Vec<u8>, Draft)>,
}

impl Drafts {
    fn add(&mut self, bucket: &[u8], draft: Draft) -> usize {
        self.list.push((bucket.to_vec(), draft));
        self.list.len() - 1
    }

    /// The tree over these items; gives the index of its root.
    fn tree(&mut self, plan: &Plan, bucket: &[u8], items: &Items) -> usize {
        let items: Vec<_> = items.iter().map(|(key, value)| (0, key.clone(), value.clone())).collect();
        let mut level: Vec<(Vec<u8>, usize)> = if items.is_empty() {
            vec![(Vec::new(), self.add(bucket, Draft::Leaf(Vec::new())))]
        } else {
            let chunks = items.chunks(plan.per_leaf);
            chunks.map(|chunk| (chunk[0].1.clone(), self.add(bucket, Draft::Leaf(chunk.to_vec())))).collect()
        };
        while level.len() > 1 {
            let chunks = level.chunks(plan.per_branch);
            level = chunks.map(|chunk| (chunk[0].0.clone(), self.add(bucket, Draft::Branch(chunk.to_vec())))).collect();
        }
        level[0].1
    }
}

/// Builds the file.
pub(crate) fn build(plan: &Plan) -> Built {
    let mut drafts = Drafts { list: Vec::new() };
    let mut roots = Vec::new();
    for (name, items) in &plan.buckets {
        let inline = Draft::Leaf(items.iter().map(|(key, value)| (0, key.clone(), value.clone())).collect());
        if plan.inline && inline.len() <= plan.page_size / 4 {
            roots.push((name, Err(inline.image(0, 0, |_| 0))));
        } else {
            roots.push((name, Ok(drafts.tree(plan, name, items))));
        }
    }
    // Bucket values have a fixed length for a tree, so the root leaf can be measured before places are given.
    let root_items = |place: &dyn Fn(usize) -> u64| {
        let value = |root: &Result<usize, Vec<u8>>| match root {
            Ok(draft) => [place(*draft).to_le_bytes(), [0; 8]].concat(),
            Err(image) => [vec![0; 16], image.clone()].concat(),
        };
        Draft::Leaf(roots.iter().map(|(name, root)| (1, name.to_vec(), value(root))).collect())
    };
    let root = drafts.add(b"", root_items(&|_| 0));
    let pages: Vec<u64> = drafts.list.iter().map(|(_, draft)| draft.len().div_ceil(plan.page_size) as u64).collect();
    let (places, mut next, mut free) = scatter(&pages, plan.seed);
    let freelist = plan.freelist.map(|form| (form, next));
    if let Some((_, id)) = freelist {
        let run = (24 + free.len() * 8).div_ceil(plan.page_size) as u64;
        next = id + run;
    }
    let place = |draft: usize| places[draft];
    drafts.list[root].1 = root_items(&place);

    let mut built = Built {
        bytes: vec![0; next as usize * plan.page_size],
        page_size: plan.page_size,
        runs: Vec::new(),
        root: places[root],
        freelist: freelist.map(|(_, id)| id),
        free: free.iter().copied().collect(),
        high_water: next,
    };
    for (index, (bucket, draft)) in drafts.list.iter().enumerate() {
        let image = draft.image(places[index], pages[index] as u32 - 1, place);
        let start = built.page(places[index]).start;
        built.put(start, &image);
        let is_leaf = matches!(draft, Draft::Leaf(_));
        let run = Run { id: places[index], pages: pages[index], is_leaf, bucket: bucket.clone(), count: draft.count() };
        built.runs.push(run);
    }
    if let Some((form, id)) = freelist {
        let image = freelist_image(id, form, &mut free, (next - id - 1) as u32);
        let start = built.page(id).start;
        built.put(start, &image);
    }
    for (page, txid) in [(0_u64, 12_u64), (1, 11)] {
        let start = built.page(page).start;
        let mut header = page.to_le_bytes().to_vec();
        header.extend([4, 0, 0, 0, 0, 0, 0, 0]);
        built.put(start, &header);
        let words =
            [0x2_ED0C_DAED, plan.page_size as u64, built.root, 0, freelist.map_or(u64::MAX, |f| f.1), next, txid];
        built.put(start + 16, &words.map(u64::to_le_bytes).concat());
    }
    built.edit_metas(|_| {});
    built
}

/// Gives every run a place, in a random order and with random gaps, unless the seed is 0.
fn scatter(pages: &[u64], seed: u64) -> (Vec<u64>, u64, BTreeSet<u64>) {
    let mut order: Vec<usize> = (0..pages.len()).collect();
    let mut numbers = Numbers(seed);
    let mut free = BTreeSet::new();
    let mut places = vec![0; pages.len()];
    let mut next = 2;
    if seed != 0 {
        (1..order.len()).rev().for_each(|at| order.swap(at, numbers.below(at + 1)));
    }
    for draft in order {
        if seed != 0 && numbers.below(4) == 0 {
            free.insert(next);
            next += 1;
        }
        places[draft] = next;
        next += pages[draft];
    }
    (places, next, free)
}

fn freelist_image(id: u64, form: FreelistForm, free: &mut BTreeSet<u64>, overflow: u32) -> Vec<u8> {
    let mut image = id.to_le_bytes().to_vec();
    image.extend(0x10_u16.to_le_bytes());
    let count = if form == FreelistForm::Long { 0xFFFF } else { free.len() as u16 };
    image.extend(count.to_le_bytes());
    image.extend(overflow.to_le_bytes());
    if form == FreelistForm::Long {
        image.extend((free.len() as u64).to_le_bytes());
    }
    image.extend(free.iter().flat_map(|id| id.to_le_bytes()));
    image
}

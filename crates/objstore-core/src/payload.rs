//! A body in memory.

use std::fmt;

use bytes::{Bytes, BytesMut};

/// A body in memory: a list of chunks, so that pieces need not be copied together before they are sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(Vec<Bytes>);

/// Shows its length, not what it holds.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

impl Payload {
    /// An empty body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    /// Its chunks, in order.
    #[must_use]
    pub fn chunks(&self) -> &[Bytes] {
        &self.0
    }

    /// Adds a chunk at the end.
    pub fn push(&mut self, chunk: impl Into<Bytes>) {
        self.0.push(chunk.into());
    }

    /// All in one piece: copies unless there is one chunk only.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        if self.0.len() == 1 {
            return self.0.pop().unwrap_or_default();
        }
        let mut all = BytesMut::new();
        self.0.iter().for_each(|chunk| all.extend_from_slice(chunk));
        all.freeze()
    }
}

impl FromIterator<Bytes> for Payload {
    fn from_iter<I: IntoIterator<Item = Bytes>>(chunks: I) -> Self {
        Self(chunks.into_iter().collect())
    }
}

macro_rules! from_one {
    ($($type:ty),*) => {$(
        impl From<$type> for Payload {
            fn from(body: $type) -> Self {
                Self(vec![Bytes::from(body)])
            }
        }
    )*};
}

from_one!(Bytes, BytesMut, Vec<u8>, String, &'static [u8], &'static str);

impl<const N: usize> From<&'static [u8; N]> for Payload {
    fn from(body: &'static [u8; N]) -> Self {
        Self(vec![Bytes::from_static(body)])
    }
}

impl From<Vec<Bytes>> for Payload {
    fn from(chunks: Vec<Bytes>) -> Self {
        Self(chunks)
    }
}

//! What to survey, and how much memory to take for it.

/// Settings of a [`Survey`](super::Survey).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SurveyOptions {
    /// The revision to take HashKV at; `None` for the latest.
    pub revision: Option<i64>,
    /// The compaction to take HashKV by, as a live member reported it; `None` for the file's own.
    pub compact_revision: Option<i64>,
    /// How many leaves are read in file order before the next ones: 262,144 unless set. More is more sequential, and costs 64
    /// bytes a leaf. At least 1.
    pub window_leaves: usize,
    /// The longest page run that is read, in bytes: 64 MiB unless set. Longer ones are findings. etcd's own limit for a request is 1.5 MiB
    /// unless it was raised.
    pub max_run_len: usize,
}

impl Default for SurveyOptions {
    fn default() -> Self {
        Self { revision: None, compact_revision: None, window_leaves: 256 << 10, max_run_len: 64 << 20 }
    }
}

impl SurveyOptions {
    /// The same with HashKV at this revision.
    #[must_use]
    pub fn with_revision(mut self, revision: i64) -> Self {
        self.revision = Some(revision);
        self
    }

    /// The same with HashKV by the compaction that a live member reported. -1 when it was never compacted.
    #[must_use]
    pub fn with_compact_revision(mut self, compact_revision: i64) -> Self {
        self.compact_revision = Some(compact_revision);
        self
    }

    /// The same with another window.
    #[must_use]
    pub fn with_window_leaves(mut self, leaves: usize) -> Self {
        self.window_leaves = leaves.max(1);
        self
    }

    /// The same with another limit for a page run.
    #[must_use]
    pub fn with_max_run_len(mut self, bytes: usize) -> Self {
        self.max_run_len = bytes;
        self
    }
}

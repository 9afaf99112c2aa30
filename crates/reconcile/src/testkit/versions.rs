//! The last states of something, for reads that are stale.

use std::collections::VecDeque;

/// A value that remembers what it was before its last writes, so that a double can answer a stale read.
///
/// ```
/// use reconcile::testkit::Versions;
/// let mut names = Versions::new(vec!["a"], 2);
/// names.update(|names| names.push("b"));
/// assert_eq!(names.behind(0), &["a", "b"]);
/// assert_eq!(names.behind(1), &["a"]);
/// assert_eq!(names.behind(9), &["a"], "no older state is known");
/// ```
#[derive(Debug, Clone)]
pub struct Versions<T> {
    now: T,
    before: VecDeque<T>,
    depth: usize,
}

impl<T: Clone> Versions<T> {
    /// A value, and how many earlier ones to remember. Each write clones the value.
    #[must_use]
    pub fn new(value: T, depth: usize) -> Self {
        Self { now: value, before: VecDeque::new(), depth }
    }

    /// Changes it; what it was is remembered.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        if self.depth > 0 {
            if self.before.len() == self.depth {
                self.before.pop_back();
            }
            self.before.push_front(self.now.clone());
        }
        change(&mut self.now)
    }

    /// What it is.
    #[must_use]
    pub fn now(&self) -> &T {
        &self.now
    }

    /// What it was so many writes ago (0 is now), or the oldest that is remembered.
    #[must_use]
    pub fn behind(&self, writes: usize) -> &T {
        match writes {
            0 => &self.now,
            _ => self.before.get(writes - 1).or(self.before.back()).unwrap_or(&self.now),
        }
    }
}

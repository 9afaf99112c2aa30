//! A case, and what a store must have for it.

use std::fmt;

use futures::future::BoxFuture;
use objstore_core::{Capabilities, Promise, RevisionStrength, Verdict};

use super::{failure::Found, home::Home};

/// One thing that every store must do, if it has what the case needs.
#[derive(Clone, Copy)]
pub struct Case {
    pub(super) name: &'static str,
    pub(super) needs: &'static [Need],
    pub(super) run: for<'h> fn(&'h Home) -> BoxFuture<'h, Found>,
}

impl Case {
    /// Its name, `create_never_overwrites` for one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What a store must have for it.
    #[must_use]
    pub fn needs(&self) -> &'static [Need] {
        self.needs
    }

    /// What a store of these capabilities lacks for it: then the case is ignored, and this is the reason.
    #[must_use]
    pub fn missing(&self, capabilities: &Capabilities) -> Option<String> {
        self.needs.iter().find_map(|need| need.missing(capabilities))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("needs", &self.needs).finish_non_exhaustive()
    }
}

/// Something that a case needs of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The promise was seen to hold: its verdict is [`Verdict::Verified`].
    Promise(Promise),
    /// Revisions tell two writes of equal bytes apart.
    UniqueRevisions,
    /// Old versions are kept.
    Versions,
    /// URLs are signed.
    Presign,
    /// A promise about conditions was seen *not* to hold.
    BrokenPromise,
}

/// The promises about conditions.
const CONDITIONS: [Promise; 6] = [
    Promise::CreateIfAbsent,
    Promise::UpdateIfMatch,
    Promise::ConditionalComplete,
    Promise::ConditionalDelete,
    Promise::ConditionalBatchDelete,
    Promise::ConditionalCopy,
];

/// Whether a promise was seen not to hold.
pub(super) fn is_broken(capabilities: &Capabilities, promise: Promise) -> bool {
    matches!(capabilities.verdict(promise), Verdict::Rejected | Verdict::Ignored | Verdict::Racy)
}

impl Need {
    fn missing(self, capabilities: &Capabilities) -> Option<String> {
        let lacks = |there: bool, name: &str| (!there).then(|| format!("needs {name}"));
        match self {
            Self::Promise(promise) => match capabilities.verdict(promise) {
                Verdict::Verified => None,
                verdict => Some(format!("needs {}, which is {verdict:?}", promise.as_str()).to_lowercase()),
            },
            Self::UniqueRevisions => {
                lacks(capabilities.revisions() == RevisionStrength::Unique, "revisions that are unique")
            }
            Self::Versions => lacks(capabilities.features().versions, "versions"),
            Self::BrokenPromise => {
                let broken = CONDITIONS.iter().any(|promise| is_broken(capabilities, *promise));
                lacks(broken, "a promise that was seen not to hold")
            }
            Self::Presign => lacks(capabilities.features().presign, "signed urls"),
        }
    }
}

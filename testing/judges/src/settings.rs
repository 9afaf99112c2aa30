//! What the environment says. Nothing else in this crate reads it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::Part;

/// Where the cache is, and what may be missing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// `${XDG_CACHE_HOME:-~/.cache}/dunnage`.
    pub cache: PathBuf,
    /// `CI` is set: a missing judge is then a failure, unless it is listed.
    pub ci: bool,
    /// The ids listed in `DUNNAGE_MAY_MISS`, separated by commas: what may be missing under `CI`.
    pub may_miss: BTreeSet<String>,
    /// The cargo to call: `CARGO`, else `cargo`.
    pub cargo: OsString,
    /// The Go compiler to call: `go`.
    pub go: OsString,
    /// The Python to call: `python3`.
    pub python: OsString,
}

impl Settings {
    /// Reads `XDG_CACHE_HOME`, `HOME`, `CI`, `DUNNAGE_MAY_MISS` and `CARGO`.
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the environment")]
    pub fn from_env() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = || set("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
        let caches = set("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
        let may_miss = set("DUNNAGE_MAY_MISS").unwrap_or_default();
        let ids = may_miss.to_string_lossy().split(',').map(|id| id.trim().to_owned()).collect();
        Self {
            cache: caches.join("dunnage"),
            ci: set("CI").is_some_and(|value| value != "false" && value != "0"),
            may_miss: ids,
            cargo: set("CARGO").unwrap_or_else(|| "cargo".into()),
            go: "go".into(),
            python: "python3".into(),
        }
    }

    /// Where a judge of this name and version lies: `<cache>/judges/<name>/<version>`.
    pub fn judge_dir(&self, name: &str, version: &str) -> PathBuf {
        self.judges_dir().join(name).join(version)
    }

    /// True if a test that needs `part` may be reported as ignored when it is missing.
    pub fn may_miss(&self, part: Part) -> bool {
        self.may_miss_id(&part.id())
    }

    /// As [`Settings::may_miss`], for something that is not a [`Part`], such as a compiler's component.
    pub fn may_miss_id(&self, id: &str) -> bool {
        !self.ci || self.may_miss.contains(id)
    }

    /// Where the last set-up left a note why a judge is missing.
    pub(crate) fn why_file(&self, name: &str, version: &str) -> PathBuf {
        self.judges_dir().join(name).join(format!("{version}.why"))
    }

    fn judges_dir(&self) -> PathBuf {
        Path::new(&self.cache).join("judges")
    }
}

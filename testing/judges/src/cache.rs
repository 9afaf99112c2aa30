//! The cache folder: one builder at a time, and nothing half-made is ever found.

use std::{
    fs::{self, File},
    path::Path,
};

use anyhow::Context as _;

use crate::{Pin, Settings};

/// Makes the folder of `pin` by `build`, unless it is there: `build` fills a temporary folder, which is then renamed.
///
/// Concurrent callers wait for each other. Returns true if it was built now.
pub(crate) fn install(
    settings: &Settings,
    pin: &Pin,
    build: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let target = settings.judge_dir(&pin.name, &pin.version);
    if target.join(&pin.name).is_file() {
        return Ok(false);
    }
    let parent = target.parent().context("the cache folder has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let _lock = lock(&parent.join(format!("{}.lock", pin.version)))?;
    if target.join(&pin.name).is_file() {
        return Ok(false);
    }
    let staging = tempfile::Builder::new().prefix(".building-").tempdir_in(parent)?;
    build(staging.path())?;
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    fs::rename(staging.keep(), &target)?;
    fs::remove_file(settings.why_file(&pin.name, &pin.version)).ok();
    Ok(true)
}

/// Leaves a note for [`crate::Part::find`], so that a test can say why a part is missing.
pub(crate) fn note_why(settings: &Settings, pin: &Pin, why: &str) {
    let file = settings.why_file(&pin.name, &pin.version);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).ok();
    }
    fs::write(file, why).ok();
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

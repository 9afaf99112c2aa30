//! One pass over a file.

use std::{fs::File, io::Read, path::Path};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

const BLOCK_BYTES: usize = 1 << 20;

pub(crate) fn sha256(file: &Path) -> anyhow::Result<String> {
    let mut source = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let count = source.read(&mut block)?;
        let Some(filled) = block.get(..count).filter(|filled| !filled.is_empty()) else { break };
        hasher.update(filled);
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<String> {
    let mut source = File::open(from).with_context(|| format!("cannot open {}", from.display()))?;
    let mut target = File::create(to).with_context(|| format!("cannot create {}", to.display()))?;
    // A plain read and write of every byte, as dd does; `std::fs::copy` may let the file system share the blocks.
    let mut block = vec![0; BLOCK_BYTES];
    let mut total = 0_u64;
    loop {
        let count = source.read(&mut block)?;
        let Some(filled) = block.get(..count).filter(|filled| !filled.is_empty()) else { break };
        std::io::Write::write_all(&mut target, filled)?;
        total += filled.len() as u64;
    }
    target.sync_all()?;
    Ok(format!("{total} bytes"))
}

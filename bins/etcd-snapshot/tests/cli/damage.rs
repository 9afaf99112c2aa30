//! Files and stores that are not what they were: told apart from what is missing, and nothing is restored from them.

use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::program::{fails, fails_as_json, json, text};
use crate::world::{Made, World, content, copy, save, url};

pub(crate) fn not_a_snapshot() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    for bytes in [Vec::new(), vec![b'x'], vec![0; 4096], vec![b'x'; 8192 + 32], b"{\"id\": 1}".repeat(2000)] {
        std::fs::write(&file, &bytes)?;
        let name = file.display().to_string();
        let data_dir = dir.path().join("data").display().to_string();
        for args in [&["verify", &name] as &[_], &["status", &name], &["restore", &name, "--data-dir", &data_dir]] {
            let said = fails_as_json(args, 4, "damaged").with_context(|| format!("{} bytes", bytes.len()))?;
            ensure!(said.contains("snapshot"), "it does not say what it is not: {said}");
        }
        ensure!(!Path::new(&data_dir).exists(), "something was left behind");
    }
    Ok(())
}

type Damage = fn(&mut Vec<u8>);

/// What can happen to a copy of the file.
const DAMAGES: [(&str, Damage); 6] = [
    ("the trailer flipped", |bytes| flip(bytes, 1)),
    ("a page flipped", |bytes| flip(bytes, 60_000)),
    ("a page header flipped", |bytes| bytes[4096 * 2 + 8] ^= 0x40),
    ("both metas gone", |bytes| bytes[..8192].fill(0)),
    ("cut at a page", |bytes| bytes.truncate(8192)),
    ("cut in the trailer", |bytes| bytes.truncate(bytes.len() - 7)),
];

fn flip(bytes: &mut [u8], from_the_end: usize) {
    let at = bytes.len() - from_the_end;
    bytes[at] ^= 1;
}

pub(crate) fn files(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    for (what, damage) in DAMAGES {
        let dir = tempfile::tempdir()?;
        let (file, data_dir) = (dir.path().join("etcd.db").display().to_string(), dir.path().join("data"));
        let mut bytes = std::fs::read(&made.file)?;
        damage(&mut bytes);
        std::fs::write(&file, bytes)?;
        fails(&["verify", &file], 4, &[&file]).context(what)?;
        fails(&["restore", &file, "--data-dir", &data_dir.display().to_string()], 4, &[]).context(what)?;
        ensure!(!data_dir.exists(), "{what}: something was left behind");
    }
    without_trailer(made)
}

/// A copy of a member's own file has none: nothing says that it is whole, and that is said.
fn without_trailer(made: &Made) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("db").display().to_string();
    let bytes = std::fs::read(&made.file)?;
    std::fs::write(&file, &bytes[..bytes.len() - 32])?;
    ensure!(json(&["status", &file])?["trailer"] == "none, so not checked");
    ensure!(text(&["verify", &file])?.contains("not checked: the content, byte by byte"));
    let data_dir = dir.path().join("data").display().to_string();
    fails(&["restore", &file, "--data-dir", &data_dir], 5, &["--skip-hash-check"])?;
    ensure!(!Path::new(&data_dir).exists(), "something was left behind");
    text(&["restore", &file, "--data-dir", &data_dir, "--skip-hash-check"]).map(drop)
}

pub(crate) fn stores(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    let payload = format!("{}.i", made.ids[0]);
    let with = |part: &str, damage: &dyn Fn(&Path) -> anyhow::Result<()>, says: &[&str]| -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let store = dir.path().join("store");
        copy(&made.store_dir(), &store)?;
        let (file, _) = content(&store)?
            .into_iter()
            .find(|(path, _)| path.to_string_lossy().contains(part) && path.to_string_lossy().contains(&made.ids[0]))
            .with_context(|| format!("no {part} in the store"))?;
        damage(&file)?;
        let data_dir = dir.path().join("data");
        fails(&["verify", &url(&store)], 4, says)?;
        fails(&["restore", &url(&store), "--data-dir", &data_dir.display().to_string()], 4, &[])?;
        ensure!(!data_dir.exists(), "something was left behind");
        // The older one is as good as before.
        text(&["verify", &format!("{}#{}", url(&store), made.ids[1])]).map(drop)
    };
    let rewrite = |change: fn(&mut Vec<u8>)| {
        move |file: &Path| -> anyhow::Result<()> {
            let mut bytes = std::fs::read(file)?;
            change(&mut bytes);
            Ok(std::fs::write(file, bytes)?)
        }
    };
    with(&payload, &rewrite(|bytes| flip(bytes, 60_000)), &["SHA-256"])?;
    with(&payload, &rewrite(|bytes| bytes.truncate(8192)), &["its manifest says"])?;
    with("manifest-", &rewrite(|bytes| bytes.truncate(20)), &["manifest"])?;
    with("manifest-", &rewrite(Vec::clear), &["manifest"])
}

/// A payload without manifest is no backup, and neither is a manifest without payload.
pub(crate) fn halves(world: &World) -> anyhow::Result<()> {
    let made = world.made()?;
    for (gone, why) in [("manifest-", "it has a payload and no manifest"), (".db", "it has a manifest and no payload")]
    {
        let dir = tempfile::tempdir()?;
        let store = url(&dir.path().join("store"));
        let id = save(&made.server, &store)?;
        for (path, _) in content(dir.path())?.iter().filter(|(path, _)| path.to_string_lossy().contains(gone)) {
            std::fs::remove_file(path)?;
        }
        let data_dir = dir.path().join("data").display().to_string();
        fails(&["verify", &format!("{store}#{id}")], 4, &["incomplete", why])?;
        fails(&["status", &store], 3, &["--incomplete"])?;
        fails(&["restore", &store, "--data-dir", &data_dir], 3, &["--incomplete"])?;
        let listed = text(&["list", &store])?;
        ensure!(listed.contains("no complete snapshot") && listed.contains("--incomplete"), "{listed}");
        ensure!(text(&["list", &store, "--incomplete"])?.contains(why));
    }
    Ok(())
}

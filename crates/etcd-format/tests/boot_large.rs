//! bbolt works on with trees that we built: several levels of small pages, a right edge that a patch made overflow, and a
//! compaction that removes nearly everything again.

mod model;
mod restoring;

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use etcd_format::bolt::PageHeader;
use etcd_format::bolt::layout::BRANCH_FLAG;
use etcd_format::bolt::writer::Layout;
use etcd_format::restored::{BUCKETS, RestoreOptions, restore_edits};
use judges::{Case, EtcdServer, Minor, etcd, harness};
use model::{Model, shape, write};
use restoring::{Client, How, cluster, needs, patched, restore, source_state};

const PAGE_SIZE: u32 = 1024;
const KEYS: i64 = 50;

fn main() -> ExitCode {
    let mut cases = Vec::new();
    for minor in [Minor::V3_5, Minor::V3_6, Minor::V3_7] {
        cases.push(Case::new(format!("compaction_{minor}"), needs(minor), move || compaction(minor)));
    }
    let minor = Minor::V3_6;
    cases.push(Case::new(format!("overflowing_branch_{minor}"), needs(minor), move || overflowing_branch(minor)));
    harness(4, cases)
}

/// Revisions 2 to `last`, which overwrite 50 keys in turn.
fn database(last: i64) -> anyhow::Result<Vec<u8>> {
    let mut model: Model = BUCKETS.map(|name| (name.into(), model::Items::new())).into();
    let records = model.entry(b"key".to_vec()).or_default();
    for revision in 2..=last {
        let key = [&revision.to_be_bytes()[..], b"_", &0_i64.to_be_bytes()[..]].concat();
        records.insert(key, record(revision));
    }
    Ok(write(&model, Layout::default().with_page_size(PAGE_SIZE))?)
}

/// `mvccpb.KeyValue` with a value of 200 bytes that begins with the revision.
fn record(revision: i64) -> Vec<u8> {
    let number = |field: u8, mut value: i64| {
        let mut bytes = vec![field << 3];
        while value > 0x7f {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let index = revision - 2;
    let key = format!("key-{:02}", index % KEYS);
    let value = format!("{revision:0<200}");
    let mut record = [&[0x0a, key.len() as u8][..], key.as_bytes()].concat();
    record.extend(number(2, index % KEYS + 2));
    record.extend(number(3, revision));
    record.extend(number(4, index / KEYS + 1));
    record.extend([0x2a, 200, 1]);
    record.extend(value.as_bytes());
    record
}

/// All but the newest record of each key goes, page by page, from the left.
fn compaction(minor: Minor) -> anyhow::Result<()> {
    const LAST: i64 = 15_000;
    let db = database(LAST)?;
    ensure!(shape(&db)?.depth >= 4, "the tree is only {} levels deep", shape(&db)?.depth);
    let mut server = EtcdServer::builder(&etcd(minor)?).initial_cluster_by_caller().name("a").reserve()?;
    let cluster = cluster(&format!("a={}", server.peer_url()), "fresh")?;
    restore(&db, server.data_dir(), &RestoreOptions::new(&cluster), "a", How::Patched)?;
    server.restart()?;
    let client = Client::new(server.client_url())?;
    ensure!(client.revision()? == LAST);
    for revision in [LAST / 3, LAST - 1, LAST] {
        client.run(&["compact", &revision.to_string(), "--physical"])?;
        client.put("between", "compactions")?;
    }
    check(&client, LAST)?;
    client.run(&["defrag"])?;
    server.kill9()?;
    server.restart()?;
    check(&client, LAST)
}

fn check(client: &Client, last: i64) -> anyhow::Result<()> {
    for revision in last - KEYS + 1..=last {
        let key = format!("key-{:02}", (revision - 2) % KEYS);
        ensure!(client.get(&key)? == format!("{revision:0<200}"), "{key}");
    }
    Ok(())
}

/// A bump onto a branch that is full makes it a run of two pages, which bbolt splits when it removes the placeholder.
fn overflowing_branch(minor: Minor) -> anyhow::Result<()> {
    const BUMP: u64 = 1000;
    let mut server = EtcdServer::builder(&etcd(minor)?).initial_cluster_by_caller().name("a").reserve()?;
    let cluster = cluster(&format!("a={}", server.peer_url()), "fresh")?;
    let options = RestoreOptions::new(&cluster).with_bump_revision(BUMP);
    let overflows = |last: i64| -> anyhow::Result<bool> {
        let db = database(last)?;
        let patched = patched(&db, restore_edits(&options, &source_state(&db)?)?.edits)?;
        let pages = patched[db.len()..].chunks(PAGE_SIZE as usize).filter_map(PageHeader::parse);
        Ok(pages.into_iter().any(|page| page.flags == BRANCH_FLAG && page.overflow > 0 && page.id > 2))
    };
    let mut found = None;
    for last in 2000..2400 {
        if overflows(last)? {
            found = Some(last);
            break;
        }
    }
    let last = found.context("no branch overflows")?;
    restore(&database(last)?, server.data_dir(), &options, "a", How::Patched)?;
    server.restart()?;
    let client = Client::new(server.client_url())?;
    ensure!(client.revision()? == last + BUMP as i64);
    check(&client, last)?;
    for key in 0..50 {
        client.put(&format!("new-{key}"), &"y".repeat(300))?;
    }
    server.kill9()?;
    server.restart()?;
    check(&client, last)
}

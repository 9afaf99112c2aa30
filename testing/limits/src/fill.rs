//! Filling an etcd through concurrent transactions.

use anyhow::Context as _;
use etcd_client::{Client, Txn, TxnOp};
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// etcd refuses transactions of more operations (`--max-txn-ops`, 128 unless set).
const MOST_OPS: usize = 100;
/// etcd refuses requests of more bytes (`--max-request-bytes`, 1.5 MiB unless set).
const MOST_BYTES: usize = 1_000_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    endpoint: String,
    /// How many keys
    #[arg(long)]
    keys: u64,
    /// The length of each value
    #[arg(long)]
    value_bytes: usize,
    /// How many transactions are under way at once
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(fill(args))?;
    Ok(format!("{} keys of {} bytes", args.keys, args.value_bytes))
}

async fn fill(args: &Args) -> anyhow::Result<()> {
    let client = Client::connect([&args.endpoint], None).await?;
    let each = (MOST_BYTES / args.value_bytes.max(1)).clamp(1, MOST_OPS) as u64;
    let batches = (0..args.keys).step_by(usize::try_from(each)?);
    stream::iter(batches)
        .map(|first| put(client.clone(), first..args.keys.min(first + each), args.value_bytes))
        .buffer_unordered(args.in_flight)
        .try_for_each(|()| std::future::ready(Ok(())))
        .await
}

async fn put(client: Client, keys: std::ops::Range<u64>, value_bytes: usize) -> anyhow::Result<()> {
    let first = keys.start;
    let ops: Vec<TxnOp> = keys.map(|key| TxnOp::put(name(key), value(key, value_bytes), None)).collect();
    let mut kv = client.kv_client();
    kv.txn(Txn::new().and_then(ops)).await.with_context(|| format!("the transaction at key {first} failed"))?;
    Ok(())
}

/// Keys as Kubernetes names them.
fn name(key: u64) -> String {
    format!("/registry/configmaps/namespace-{:03}/object-{key:08}", key % 500)
}

/// Bytes of a splitmix64 sequence that starts at the key: the same in every run, and not to be compressed.
fn value(key: u64, length: usize) -> Vec<u8> {
    let mut state = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

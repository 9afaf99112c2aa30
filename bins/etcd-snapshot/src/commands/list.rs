//! `etcd-snapshot list`.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use etcd_snapshot::home::{Incomplete, Inventory, Listed};
use etcd_snapshot::{Host as _, SystemHost};
use serde_json::{Value, json};

use super::signal::until_signal;
use crate::exit::{Ended, TOO_OLD};
use crate::output::Output;
use crate::{args, target};

pub(crate) async fn run(args: args::List, output: &Output) -> anyhow::Result<ExitCode> {
    until_signal("nothing was changed", work(args, output)).await
}

async fn work(args: args::List, output: &Output) -> anyhow::Result<ExitCode> {
    let home = target::open_home(&args.store, output).await?;
    let inventory = home.inventory().await?;
    let now = SystemHost.now();
    output.result(&as_json(&inventory, args.incomplete, now), &as_text(&inventory, args.incomplete, now))?;
    if let Some(max_age) = args.max_age {
        fresh_enough(&inventory, max_age, now)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// For monitoring: the newest must be young enough.
fn fresh_enough(inventory: &Inventory, max_age: Duration, now: SystemTime) -> anyhow::Result<()> {
    let message = match inventory.snapshots.first() {
        None => none(inventory).to_owned(),
        Some(newest) if newest.age(now) > max_age => {
            format!(
                "the newest snapshot, {}, is {} old, and {} is allowed",
                newest.id,
                age(newest.age(now)),
                age(max_age)
            )
        }
        Some(_) => return Ok(()),
    };
    Err(Ended { code: TOO_OLD, name: "too_old", message: format!("{message}: look at the job that saves") }.into())
}

fn as_json(inventory: &Inventory, incomplete: bool, now: SystemTime) -> Value {
    let complete = inventory.snapshots.iter().map(|listed| {
        json!({
            "id": listed.id.to_string(),
            "complete": true,
            "incarnation": listed.incarnation,
            "revision": listed.revision,
            "bytes": listed.bytes,
            "age_seconds": listed.age(now).as_secs(),
            "checks": listed.checks.names().collect::<Vec<_>>(),
        })
    });
    let half = inventory
        .incomplete
        .iter()
        .filter(|_| incomplete)
        .map(|half| json!({ "id": half.id.to_string(), "complete": false, "why": half.why, "bytes": half.bytes, "payload": half.payload, "incarnation": half.incarnation }));
    complete.chain(half).collect()
}

fn as_text(inventory: &Inventory, incomplete: bool, now: SystemTime) -> String {
    let mut text = String::new();
    let incarnations = inventory.incarnation > 1;
    if !inventory.snapshots.is_empty() {
        let _ = writeln!(text, "{:<35}  {:>8}  {:>12}  {:>14}  VERIFIED", "ID", "AGE", "REVISION", "BYTES");
    }
    for listed in &inventory.snapshots {
        text.push_str(&line(listed, incarnations, now));
    }
    for half in inventory.incomplete.iter().filter(|_| incomplete) {
        text.push_str(&half_line(half));
    }
    if inventory.snapshots.is_empty() {
        let _ = writeln!(text, "{}", none(inventory));
    }
    if !incomplete && !inventory.incomplete.is_empty() {
        let _ = writeln!(text, "({} incomplete: --incomplete lists them)", inventory.incomplete.len());
    }
    text
}

/// A place where nothing was saved may be the wrong one, and says so.
fn none(inventory: &Inventory) -> &'static str {
    match inventory.incarnation {
        0 => "no complete snapshot: nothing was saved here yet, or the store's name is another",
        _ => "no complete snapshot",
    }
}

fn line(listed: &Listed, incarnations: bool, now: SystemTime) -> String {
    let of = if incarnations { format!(" (incarnation {})", listed.incarnation) } else { String::new() };
    let (id, checks) = (listed.id.to_string(), listed.checks);
    format!("{id:<35}  {:>8}  {:>12}  {:>14}  {checks}{of}\n", age(listed.age(now)), listed.revision, listed.bytes)
}

fn half_line(half: &Incomplete) -> String {
    let bytes = half.bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    format!("{:<35}  {:>8}  {:>12}  {bytes:>14}  incomplete: {}\n", half.id.to_string(), "-", "-", half.why)
}

/// An age in its two largest units.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

//! `objstore stat`.

use anyhow::Context as _;
use objstore_core::ReadOptions;
use serde_json::Value;

use crate::output::Output;
use crate::place::Spot;
use crate::{args, meta};

pub(crate) async fn run(args: args::Stat, output: &Output) -> anyhow::Result<()> {
    let spot = Spot::open(&args.url, output).await?;
    let found = spot.store.head(&spot.key, ReadOptions::new()).await;
    let found = found.with_context(|| format!("cannot look at {}", spot.url))?;
    let mut value = meta::json(&found, &spot.url.to_string());
    value["store"] = spot.store.to_string().into();
    output.result(&value, &as_text(&value))
}

/// One field a line.
fn as_text(value: &Value) -> String {
    let mut text = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!("{name:<20} {value}\n"));
    }
    text
}

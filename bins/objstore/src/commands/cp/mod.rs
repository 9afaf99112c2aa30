//! `objstore cp`: from anywhere to anywhere, in bounded memory.

mod digest;
mod sink;
mod source;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use objstore_core::ObjectStore;
use serde_json::{Value, json};

use self::digest::{Counted, Counter};
use self::sink::Sink;
use self::source::Source;
use crate::exit::Ended;
use crate::output::Output;
use crate::place::{self, Spot};
use crate::progress::Bar;
use crate::signal::until_signal;
use crate::{args, meta};

/// One end of a copy.
#[derive(Debug)]
enum End {
    /// Standard input or output.
    Pipe,
    /// A plain file.
    File(std::path::PathBuf),
    /// An object.
    Object(Spot),
}

impl End {
    async fn open(text: &str, output: &Output) -> anyhow::Result<Self> {
        if text == "-" {
            return Ok(Self::Pipe);
        }
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let url = place::parse(text)?;
        if url.scheme() == "file" {
            if !url.bucket().is_empty() || !url.params().is_empty() {
                return Err(Ended::usage(format!("{url} is no file: write it like file:///folder/name")));
            }
            return Ok(Self::File(format!("/{}", url.path()).into()));
        }
        if url.path().ends_with('/') {
            return Err(Ended::usage(format!("{url} is a prefix: name the object, with its key")));
        }
        Ok(Self::Object(Spot::open(text, output).await?))
    }

    fn store(&self) -> Option<&dyn ObjectStore> {
        match self {
            Self::Object(spot) => Some(&spot.store),
            _ => None,
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pipe => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
            Self::Object(spot) => spot.url.fmt(f),
        }
    }
}

pub(crate) async fn run(args: args::Cp, output: &Output) -> anyhow::Result<()> {
    let from = End::open(&args.src, output).await?;
    let to = End::open(&args.dst, output).await?;
    if args.read_back && matches!(to, End::Pipe) {
        return Err(Ended::usage("what went to standard output cannot be read again: leave --read-back out"));
    }
    let left = "what was there before is untouched";
    let copied = until_signal(left, copy(&from, &to, args.read_back, output)).await;
    // Whatever happened, an upload that was dropped is given up before the program ends.
    let closed = match to.store() {
        Some(store) => store.close().await,
        None => Ok(()),
    };
    let copied = copied?;
    closed?;
    let value = copied.as_json(&from, &to);
    match (&to, output.is_json()) {
        // Standard output holds the bytes.
        (End::Pipe, _) => Ok(()),
        (_, true) => output.result(&value, ""),
        (_, false) => output.text(&copied.as_text(&from, &to)),
    }
}

/// What was copied.
struct Copied {
    counted: Counted,
    /// Who else knew the digest or the length, and agreed.
    compared: Vec<&'static str>,
}

impl Copied {
    fn as_json(&self, from: &End, to: &End) -> Value {
        let mut value = json!({
            "from": from.to_string(),
            "to": to.to_string(),
            "store": to.store().map(ToString::to_string),
            "bytes": self.counted.bytes,
            "compared_with": self.compared,
        });
        if let Value::Object(fields) = &mut value {
            fields.extend(meta::checksums(&self.counted.checksums));
        }
        value
    }

    fn as_text(&self, from: &End, to: &End) -> String {
        let compared = match self.compared.as_slice() {
            [] => String::new(),
            with => format!(", compared with: {}", with.join(", ")),
        };
        let digest = meta::hex(&self.counted.sha256());
        format!("copied {from} to {to}: {} bytes, sha256 {digest}{compared}\n", self.counted.bytes)
    }
}

async fn copy(from: &End, to: &End, read_back: bool, output: &Output) -> anyhow::Result<Copied> {
    let mut source = Source::open(from).await.with_context(|| format!("cannot read {from}"))?;
    let sink = Sink::open(to, &source.headers, source.size);
    let mut sink = sink.await.with_context(|| format!("cannot write {to}"))?;
    let bar = Bar::of_bytes("copying", source.size, output.is_json());
    let mut counter = Counter::default();
    while let Some(chunk) = source.body.try_next().await.with_context(|| format!("cannot read {from}"))? {
        counter.update(&chunk);
        bar.advance(chunk.len());
        sink.write(chunk).await.with_context(|| format!("cannot write {to}"))?;
    }
    drop(bar);
    let counted = counter.finish();
    let mut compared = Vec::new();
    // Before anything becomes visible.
    if counted.check(source.size, &source.checksums, from)? {
        compared.push("source");
    }
    let landed = sink.finish().await.with_context(|| format!("cannot write {to}"))?;
    if counted.check(landed.size, &landed.checksums, to)? {
        compared.push("destination");
    }
    if read_back {
        let again = read_again(to, output).await.with_context(|| format!("cannot read {to} again"))?;
        counted.check(Some(again.bytes), &again.checksums, to)?;
        compared.push("read_back");
    }
    Ok(Copied { counted, compared })
}

async fn read_again(to: &End, output: &Output) -> anyhow::Result<Counted> {
    let mut source = Source::open(to).await?;
    let bar = Bar::of_bytes("reading back", source.size, output.is_json());
    let mut counter = Counter::default();
    while let Some(chunk) = source.body.try_next().await? {
        counter.update(&chunk);
        bar.advance(chunk.len());
    }
    Ok(counter.finish())
}

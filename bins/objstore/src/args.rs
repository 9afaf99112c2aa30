//! The command line.

use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use objstore_core::Promise;

use crate::exit;
use crate::output::Form;

/// See, move and clean up what lies in object stores, and find out what a bucket really promises.
///
/// STORE is a place: s3://bucket/prefix, file:///folder or memory://name. URL is an object: the same with a key in the path.
/// Parameters go behind it: s3://bucket/key?endpoint=http://127.0.0.1:9000&region=us-east-1&path_style=true. In a key,
/// `?`, `#` and `%` are written %3F, %23 and %25. Credentials come from AWS's environment, profiles or roles, never from
/// a URL; AWS_ENDPOINT_URL_S3 and AWS_REGION count where the URL names none.
#[derive(Debug, Parser)]
#[command(name = "objstore", version, max_term_width = 110, after_help = exit::HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The form of results and errors.
    #[arg(long, short = 'o', global = true, value_enum, default_value = "text", display_order = 100)]
    pub(crate) output: Form,

    /// Say more on standard error; twice for debugging. RUST_LOG wins.
    #[arg(long, short = 'v', global = true, action = clap::ArgAction::Count, display_order = 100)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find out what a bucket really keeps: conditions, races, listings, locks. It writes, and cleans up.
    Probe(Probe),
    /// List the objects of a store.
    Ls(Ls),
    /// Say what is known about an object.
    Stat(Stat),
    /// Copy an object between any two stores, files or pipes, with the digest of all its bytes.
    Cp(Cp),
    /// Delete objects.
    Rm(Rm),
    /// Print a URL that allows one operation without other credentials.
    Sign(Sign),
    /// Give up uploads that nobody has finished: they cost money, and no listing shows them.
    Sweep(Sweep),
    /// Run the conformance suite on a store. It writes, and cleans up.
    Conformance(Conformance),
    /// Print shell completions.
    #[command(after_help = exit::help("Example:\n  objstore completions bash > /etc/bash_completion.d/objstore"))]
    Completions { shell: clap_complete::Shell },
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  objstore probe s3://backups --output json\n  objstore probe s3://backups/etcd --require create_if_absent,update_if_match    # exit code 8 if not kept")
)]
pub(crate) struct Probe {
    /// Where to probe. Some 150 objects of together 250 MB are written below a random prefix, and removed.
    pub(crate) store: String,
    /// Promises that must hold, separated by commas. Exit code 8 if one was not seen to.
    #[arg(long, value_delimiter = ',', value_name = "NAME", value_parser = promise)]
    pub(crate) require: Vec<Promise>,
    /// Probe also a bucket that protects every new object for a while: what is written stays there for that long.
    #[arg(long)]
    pub(crate) accept_retention: bool,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  objstore ls s3://backups/etcd --output json\n  objstore ls file:///backups --direct")
)]
pub(crate) struct Ls {
    /// The store, or a place in it: everything below it is listed.
    pub(crate) store: String,
    /// Only direct children; what lies deeper shows as its first prefix.
    #[arg(long)]
    pub(crate) direct: bool,
    /// Stored versions and delete markers too, where the bucket keeps them.
    #[arg(long)]
    pub(crate) versions: bool,
    /// Stop after so many entries.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

#[derive(ClapArgs, Debug)]
#[command(after_help = exit::help("Example:\n  objstore stat s3://backups/etcd/one.db --output json"))]
pub(crate) struct Stat {
    /// The object.
    pub(crate) url: String,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  objstore cp file:///tmp/one.db s3://backups/one.db\n  objstore cp 's3://a/key?region=eu-west-1' 's3://b/key?endpoint=https://minio.example.com'\n  pg_dump db | objstore cp - s3://backups/db.sql\n  objstore cp s3://backups/db.sql - | psql db")
)]
pub(crate) struct Cp {
    /// What to read: a URL, a file (a path, or file://), or `-` for standard input.
    #[arg(allow_hyphen_values = true)]
    pub(crate) src: String,
    /// What to write: a URL, a file, or `-` for standard output. What is there is replaced.
    #[arg(allow_hyphen_values = true)]
    pub(crate) dst: String,
    /// Read the copy again, and compare its SHA-256.
    #[arg(long)]
    pub(crate) read_back: bool,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  objstore rm s3://backups/etcd/one.db\n  objstore rm --dry-run s3://backups/a s3://backups/b")
)]
pub(crate) struct Rm {
    /// The objects. A prefix is refused.
    #[arg(required = true, value_name = "URL")]
    pub(crate) urls: Vec<String>,
    /// Delete every stored version, oldest first, for good. Without it, a bucket that keeps versions only hides the object.
    #[arg(long)]
    pub(crate) delete_versions: bool,
    /// Say what would be deleted, and delete nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  objstore sign s3://backups/one.db --expires 10m\n  objstore sign s3://backups/two.db --method put --sha256 \"$(sha256sum two.db | cut -c1-64)\"")
)]
pub(crate) struct Sign {
    /// The object. It need not exist.
    pub(crate) url: String,
    /// How long the URL is good, at most 7d. It ends earlier where the credential that signs does.
    #[arg(long, value_parser = duration, allow_hyphen_values = true, default_value = "1h", value_name = "TIME")]
    pub(crate) expires: Duration,
    /// What it allows.
    #[arg(long, value_enum, default_value = "get")]
    pub(crate) method: Method,
    /// For put: the SHA-256 of the body, in hexadecimal. Only that body can then be written.
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    pub(crate) sha256: Option<[u8; 32]>,
    /// For put: let whoever has the URL write what he likes. Some stores then also keep a body that was cut off.
    #[arg(long, conflicts_with = "sha256")]
    pub(crate) any_body: bool,
}

/// What a signed URL allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Method {
    Get,
    Head,
    Put,
    Delete,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  objstore sweep s3://backups/etcd --dry-run\n  objstore sweep s3://backups --older-than 3d")
)]
pub(crate) struct Sweep {
    /// Where to look, with everything below.
    pub(crate) store: String,
    /// Leave younger uploads alone: somebody may still be at work.
    #[arg(long, value_parser = duration, allow_hyphen_values = true, default_value = "24h", value_name = "TIME")]
    pub(crate) older_than: Duration,
    /// Say what would be given up, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(ClapArgs, Debug)]
#[command(after_help = exit::help("Example:\n  objstore conformance 's3://test?endpoint=http://127.0.0.1:9000'"))]
pub(crate) struct Conformance {
    /// The store. Some 500 MB are written below it, and removed.
    pub(crate) store: String,
    /// How many cases must have run: a store that lost a capability does not pass by being asked less.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) floor: usize,
}

fn promise(name: &str) -> Result<Promise, String> {
    name.parse().map_err(|_| {
        let known: Vec<_> = Promise::ALL.iter().map(|promise| promise.as_str()).collect();
        format!("the promises are {}", known.join(", "))
    })
}

/// Times as people write them: `90s`, `10m`, `1h30m`, `2 days`; a day has 24 hours.
fn duration(text: &str) -> Result<Duration, String> {
    const EXAMPLES: &str = "write it like 90s, 10m, 26h or 7d";
    let span: jiff::Span = text.parse().map_err(|_| format!("it is not a time: {EXAMPLES}"))?;
    let parsed = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let parsed = parsed.map_err(|_| format!("months and years have no fixed length: {EXAMPLES}"))?;
    let parsed = Duration::try_from(parsed).map_err(|_| format!("a time cannot be negative: {EXAMPLES}"))?;
    if parsed.is_zero() { Err(format!("a time of zero would end at once: {EXAMPLES}")) } else { Ok(parsed) }
}

fn sha256(text: &str) -> Result<[u8; 32], String> {
    let wrong = || "it is not the 64 hexadecimal digits that sha256sum prints".to_owned();
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        let digits = text.get(at..at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(digest)
}

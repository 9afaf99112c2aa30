//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{ArgAction, ArgGroup, Args as ClapArgs, Parser, Subcommand};
use etcd_snapshot::restore::{Owner, TargetVersion};

use crate::exit;
use crate::output::Form;

/// Back up a live etcd into an object store, prove it restorable, and restore it without Go.
///
/// STORE is one cluster's home, such as file:///backups/prod or s3://backups/prod?region=eu-central-1; STORE#ID is one
/// snapshot of it, and STORE alone its newest complete one. FILE is what `etcdctl snapshot save` or `save --raw` wrote.
///
/// Parameters of s3:// are region, endpoint, path_style, ca_file and so on. Credentials come from AWS's environment,
/// profiles or roles, never from a URL; AWS_ENDPOINT_URL_S3 and AWS_REGION count where the URL names none.
#[derive(Debug, Parser)]
#[command(name = "etcd-snapshot", version, max_term_width = 110, after_help = exit::HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The form of results and errors.
    #[arg(
        long,
        short = 'o',
        alias = "write-out",
        short_alias = 'w',
        global = true,
        value_enum,
        default_value = "text",
        display_order = 100
    )]
    pub(crate) output: Form,

    /// Say more on standard error; twice for debugging. RUST_LOG wins.
    #[arg(long, short = 'v', global = true, action = ArgAction::Count, display_order = 100)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Save a snapshot of a live etcd, verify it, and only then call it a backup.
    Save(Save),
    /// List the snapshots of a store, newest first.
    List(List),
    /// Check a snapshot, and say what was not checked.
    Verify(Verify),
    /// Say what a snapshot holds, as `etcdutl snapshot status` does.
    Status(Status),
    /// Restore a snapshot into a data directory that etcd 3.4 to 3.7 starts from.
    Restore(Box<Restore>),
    /// Print shell completions.
    #[command(after_help = exit::help("Example:\n  etcd-snapshot completions bash > /etc/bash_completion.d/etcd-snapshot"))]
    Completions { shell: clap_complete::Shell },
}

/// How a live etcd is reached: etcdctl's flags, and its environment.
#[derive(ClapArgs, Debug)]
pub(crate) struct Live {
    /// Members' client URLs, separated by commas. A healthy, caught-up member that does not lead is chosen.
    #[arg(long, env = "ETCDCTL_ENDPOINTS", hide_env_values = true, value_delimiter = ',', value_name = "URL")]
    pub(crate) endpoints: Vec<String>,
    /// PEM of the authorities that may sign the servers' certificates; without it, the system's.
    #[arg(long, env = "ETCDCTL_CACERT", hide_env_values = true, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) cacert: Option<PathBuf>,
    /// PEM of the client's certificate.
    #[arg(long, env = "ETCDCTL_CERT", hide_env_values = true, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) cert: Option<PathBuf>,
    /// PEM of the client's private key.
    #[arg(long, env = "ETCDCTL_KEY", hide_env_values = true, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) key: Option<PathBuf>,
    /// The name in the servers' certificates, where it is not the endpoint's host.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// The user. Its password is never on the command line: ETCDCTL_PASSWORD has it, or ETCDCTL_USER as NAME:PASSWORD.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// How long to wait for a connection.
    #[arg(long, value_parser = duration, allow_hyphen_values = true, default_value = "5s", value_name = "TIME")]
    pub(crate) dial_timeout: Duration,
    /// How long to wait for the answer to a small request.
    #[arg(long, value_parser = duration, allow_hyphen_values = true, default_value = "10s", value_name = "TIME")]
    pub(crate) command_timeout: Duration,
}

#[derive(ClapArgs, Debug)]
#[command(
    group = ArgGroup::new("destination").required(true).args(["to", "raw"]),
    after_help = exit::help("Examples:\n  etcd-snapshot save --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --to file:///prod\n  etcd-snapshot save --endpoints http://127.0.0.1:2379 --raw etcd.db")
)]
pub(crate) struct Save {
    #[command(flatten)]
    pub(crate) live: Live,
    /// The store to save into: one cluster's home.
    #[arg(long, value_name = "STORE")]
    pub(crate) to: Option<String>,
    /// The file to save into: what `etcdctl snapshot save` writes, with its trailer verified.
    #[arg(long, value_name = "FILE")]
    pub(crate) raw: Option<PathBuf>,
    /// Do not compare HashKV with another live member. Writes wait at that member while it computes.
    #[arg(long)]
    pub(crate) no_live_check: bool,
    /// Checks without which it is no backup: trailer, structure, read-back, live-hash, sender-hash. Exit code 8 if one could
    /// not be made.
    #[arg(long, value_delimiter = ',', value_name = "CHECK", conflicts_with = "raw")]
    pub(crate) require: Vec<String>,
    /// The store held another cluster, or this one before a restore, and holds this one from here on.
    #[arg(long, conflicts_with = "raw")]
    pub(crate) new_incarnation: bool,
    /// How long everything may take.
    #[arg(long, value_parser = duration, allow_hyphen_values = true, value_name = "TIME")]
    pub(crate) timeout: Option<Duration>,
    /// How long the member may send nothing.
    #[arg(long, value_parser = duration, allow_hyphen_values = true, default_value = "30s", value_name = "TIME")]
    pub(crate) stall_timeout: Duration,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  etcd-snapshot list file:///backups/prod\n  etcd-snapshot list file:///backups/prod --max-age 26h    # exit code 9 if the newest is older")
)]
pub(crate) struct List {
    /// The store.
    pub(crate) store: String,
    /// Also list payloads without manifest, and manifests without payload.
    #[arg(long)]
    pub(crate) incomplete: bool,
    /// Exit with code 9 if the newest complete snapshot is older, or there is none. For monitoring.
    #[arg(long, value_parser = duration, allow_hyphen_values = true, value_name = "TIME")]
    pub(crate) max_age: Option<Duration>,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  etcd-snapshot verify etcd.db\n  etcd-snapshot verify file:///backups/prod --endpoints http://127.0.0.1:2379")
)]
pub(crate) struct Verify {
    /// FILE, STORE or STORE#ID.
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) live: Live,
    /// Leave the comparison with live members out, even if ETCDCTL_ENDPOINTS is set.
    #[arg(long)]
    pub(crate) no_live_check: bool,
    /// Record what was verified beside the snapshot, so that `list` shows it.
    #[arg(long)]
    pub(crate) record: bool,
}

#[derive(ClapArgs, Debug)]
#[command(after_help = exit::help("Example:\n  etcd-snapshot status etcd.db --output json"))]
pub(crate) struct Status {
    /// FILE, STORE or STORE#ID.
    pub(crate) target: String,
}

#[derive(ClapArgs, Debug)]
#[command(
    after_help = exit::help("Examples:\n  etcd-snapshot restore etcd.db --data-dir /var/lib/etcd\n  etcd-snapshot restore file:///backups/prod --data-dir /var/lib/etcd \\\n      --bump-revision 1000000000 --mark-compacted\n  etcd-snapshot restore 'file:///backups/prod#ID' --init-container --data-dir /var/lib/etcd \\\n      --name etcd-0 --initial-cluster etcd-0=http://etcd-0.etcd:2380,… \\\n      --initial-advertise-peer-urls http://etcd-0.etcd:2380 --initial-cluster-token TOKEN")
)]
pub(crate) struct Restore {
    /// FILE, STORE or STORE#ID.
    pub(crate) target: String,
    /// Name of this member.
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
    /// Where to restore; NAME.etcd if not given. A symbolic link to a folder is followed.
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where the log goes; DATA-DIR/member/wal if not given. It must not exist, or be empty.
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) wal_dir: Option<PathBuf>,
    /// The members, as NAME=PEER-URL separated by commas; NAME=http://localhost:2380 if not given.
    #[arg(long, value_name = "MEMBERS")]
    pub(crate) initial_cluster: Option<String>,
    /// The token that the ids of the new cluster are made with. One member: drawn at random if not given. Several: the same
    /// for all must be given.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) initial_cluster_token: Option<String>,
    /// This member's peer URLs, separated by commas.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub(crate) initial_advertise_peer_urls: Vec<String>,
    /// Restore without comparing the trailer: for a copy of a member/snap/db.
    #[arg(long, num_args = 0..=1, require_equals = true, action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL")]
    pub(crate) skip_hash_check: bool,
    /// Raise the revision by so much, so that watchers and informers notice the restore.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) bump_revision: u64,
    /// Mark everything up to the raised revision as compacted. Goes with --bump-revision.
    #[arg(long, num_args = 0..=1, require_equals = true, action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, value_name = "BOOL")]
    pub(crate) mark_compacted: bool,
    /// etcdutl's flag. Accepted and not needed: nothing is mapped into memory here.
    #[arg(long, value_name = "BYTES", hide = true)]
    pub(crate) initial_memory_map_size: Option<u64>,
    /// Keep NOSPACE alarms: the restored cluster then refuses writes until they are disarmed.
    #[arg(long)]
    pub(crate) keep_nospace_alarms: bool,
    /// Restore although the alarm CORRUPT is raised in the snapshot, and drop it.
    #[arg(long)]
    pub(crate) clear_corrupt_alarms: bool,
    /// Switch authentication off in the restored cluster. Users and roles stay.
    #[arg(long)]
    pub(crate) disable_auth: bool,
    /// The etcd that will run on it, such as 3.6: refuse what it cannot open.
    #[arg(long, value_name = "VERSION")]
    pub(crate) target_version: Option<TargetVersion>,
    /// The owner of everything that is written, in numbers.
    #[arg(long, value_name = "UID:GID")]
    pub(crate) owner: Option<Owner>,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Run as an init container: do nothing, with success, where data is already, and where this ordinal has none to restore.
    #[arg(long)]
    pub(crate) init_container: bool,
    /// The ordinal of this member; from the host name's suffix if not given.
    #[arg(long, value_name = "N", requires = "init_container")]
    pub(crate) ordinal: Option<u64>,
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

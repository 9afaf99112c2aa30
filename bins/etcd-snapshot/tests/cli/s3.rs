//! A store that speaks S3: everything as on files.

use anyhow::{Context as _, ensure};
use judges::{EtcdServer, Finished};
use objstore_testkit::s3::{Credentials, S3Server};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::program::{failed, run_with};
use crate::world::{World, put};

const SECRET: &str = "canary-of-a-secret-key";

/// A loopback server, and the program with credentials for it.
struct Bucket {
    s3: S3Server,
    _runtime: Runtime,
}

impl Bucket {
    fn start() -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let builder = S3Server::builder().with_bucket("backups").with_credentials(Credentials::new("AKIAETCD", SECRET));
        Ok(Self { s3: runtime.block_on(builder.start())?, _runtime: runtime })
    }

    fn url(&self, home: &str) -> String {
        format!("s3://backups/{home}?endpoint={}&region=us-east-1&path_style=true", self.s3.endpoint())
    }

    /// As loud as it can be: nothing that it says may hold the secret.
    fn run(&self, args: &[&str]) -> anyhow::Result<Finished> {
        let env = [("AWS_ACCESS_KEY_ID", "AKIAETCD"), ("AWS_SECRET_ACCESS_KEY", SECRET)];
        let loud = run_with(&[&env[..], &[("RUST_LOG", "trace")]].concat(), args)?;
        for said in [&loud.stdout, &loud.stderr] {
            ensure!(!said.contains(SECRET) && !said.contains("Signature="), "{} shows a secret", args.join(" "));
        }
        Ok(loud)
    }

    fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        let done = self.run(&[args, &["--output", "json"]].concat())?.success()?;
        serde_json::from_str(&done.stdout).with_context(|| format!("not JSON: {}", done.stdout))
    }
}

pub(crate) fn lines(world: &World) -> anyhow::Result<()> {
    let (bucket, made, dir) = (Bucket::start()?, world.made()?, tempfile::tempdir()?);
    let (store, endpoint) = (bucket.url("prod"), made.server.client_url());
    let saved = bucket.json(&["save", "--endpoints", &endpoint, "--to", &store])?;
    let id = saved["id"].as_str().context("an id")?;
    let revision = saved["revision"].as_i64().context("a revision")?;
    ensure!(saved["hash_kv"] == made.server.hash_kv(revision)?.hash, "{saved}");
    ensure!(bucket.s3.unfinished("backups").is_empty(), "uploads were left");
    let listed = bucket.json(&["list", &store])?;
    ensure!(listed[0]["id"] == id && listed[0]["bytes"] == saved["bytes"] && listed[1].is_null(), "{listed}");
    let snapshot = format!("{store}#{id}");
    ensure!(bucket.json(&["verify", &snapshot])?["hash_kv"] == saved["hash_kv"]);
    ensure!(bucket.json(&["status", &store])?["revision"] == revision);
    for (index, target) in [&store, &snapshot].into_iter().enumerate() {
        let data_dir = dir.path().join(format!("restored{index}")).display().to_string();
        let restored = bucket.json(&["restore", target, "--data-dir", &data_dir])?;
        ensure!(restored["outcome"] == "restored" && restored["changes"]["revision"] == revision, "{restored}");
    }
    boots(&dir.path().join("restored0"), revision, &saved["hash_kv"])
}

fn boots(data_dir: &std::path::Path, revision: i64, hash: &Value) -> anyhow::Result<()> {
    let server = EtcdServer::builder(&judges::etcd(judges::Minor::V3_6)?).data_dir(data_dir).start()?;
    ensure!(server.hash_kv(revision)?.hash == *hash, "the restored etcd holds something else");
    put(&server, "after", "the restore")
}

pub(crate) fn failures(world: &World) -> anyhow::Result<()> {
    let (bucket, made) = (Bucket::start()?, world.made()?);
    let endpoint = made.server.client_url();
    let none = bucket.url("prod").replace("backups", "no-such-bucket");
    failed(&bucket.run(&["list", &none])?, 3, &["no-such-bucket"])?;
    let wrong = [("AWS_ACCESS_KEY_ID", "AKIAETCD"), ("AWS_SECRET_ACCESS_KEY", "another")];
    failed(&run_with(&wrong, &["list", &bucket.url("prod")])?, 7, &[])?;
    bucket.s3.allow_only(Some(&["s3:ListBucket", "s3:GetObject"]));
    failed(&bucket.run(&["save", "--endpoints", &endpoint, "--to", &bucket.url("prod")])?, 7, &[])?;
    ensure!(bucket.s3.keys("backups").is_empty(), "something was stored");
    Ok(())
}

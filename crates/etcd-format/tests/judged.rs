//! Real etcd and etcdutl as judges of the survey: the same figures and hashes for snapshots of every minor release.

mod history;
mod pages;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use etcd_format::drive;
use etcd_format::survey::{AlarmKind, Summary, Survey, SurveyOptions};
use history::{History, Op};
use judges::{Case, EtcdServer, Minor, Part, base64, etcd, etcdctl, etcdutl, harness};
use pages::{FreelistForm, Numbers, Plan, build};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let mut cases = Vec::new();
    let tools = [Part::Etcdctl(Minor::V3_6), Part::Etcdutl(Minor::V3_6), Part::Etcdutl(Minor::V3_5)];
    for minor in Minor::ALL {
        let needs = || [Part::Etcd(minor)].into_iter().chain(tools);
        cases.push(Case::new(format!("never_compacted_{minor}"), needs(), move || never_compacted(minor)));
        cases.push(Case::new(format!("compacted_{minor}"), needs(), move || compacted(minor)));
        cases.push(Case::new(format!("bumped_{minor}"), needs(), move || bumped(minor)));
        cases.push(Case::new(format!("database_of_a_stopped_server_{minor}"), needs(), move || raw_database(minor)));
        if minor != Minor::V3_4 {
            // 3.4 cannot be told to rest between the batches of a compaction.
            cases.push(Case::new(format!("in_mid_compaction_{minor}"), needs(), move || in_mid_compaction(minor)));
        }
    }
    cases.push(Case::new("flipped_bytes", [Part::Etcdutl(Minor::V3_6)], flipped_bytes));
    harness(20, cases)
}

/// Whether keys hang on a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    Granted,
    None,
}

/// A server, and everything that is asked of it through etcdctl or the JSON gateway.
struct Member {
    server: EtcdServer,
    dir: tempfile::TempDir,
    user: Option<String>,
}

impl Member {
    fn start(minor: Minor, args: &[&str]) -> anyhow::Result<Self> {
        let server = EtcdServer::builder(&etcd(minor)?).args(args.iter().copied()).start()?;
        Ok(Self { server, dir: tempfile::tempdir()?, user: None })
    }

    fn ctl(&self, args: &[&str]) -> anyhow::Result<String> {
        let url = self.server.client_url();
        let user = self.user.iter().flat_map(|user| ["--user", user]);
        let args = ["--endpoints", &url].into_iter().chain(user).chain(args.iter().copied());
        Ok(etcdctl()?.run(args)?.success()?.stdout)
    }

    /// Puts and deletions in one transaction.
    fn transaction(&self, operations: &[Value]) -> anyhow::Result<i64> {
        let answer = self.server.call("/v3/kv/txn", &json!({ "success": operations }))?;
        answer["header"]["revision"].as_str().context("a revision")?.parse().map_err(Into::into)
    }

    /// HashKV of the live member: hash and compact revision. Versions that know nothing of the latter answer without.
    fn hash_kv(&self, revision: i64) -> anyhow::Result<(u64, i64)> {
        let answer = self.ctl(&["endpoint", "hashkv", "--rev", &revision.to_string(), "-w", "json"])?;
        let answer: Value = serde_json::from_str(&answer)?;
        let answer = &answer[0]["HashKV"];
        Ok((answer["hash"].as_u64().context("a hash")?, answer["compact_revision"].as_i64().unwrap_or(0)))
    }

    fn snapshot(&self, name: &str) -> anyhow::Result<PathBuf> {
        let file = self.dir.path().join(name);
        self.ctl(&["snapshot", "save", text(&file)?])?;
        Ok(file)
    }

    /// Overwrites, transactions of several operations, deletions of ranges, a value of 1.2 MB, and keys with and without lease.
    fn write(&self, round: u32, lease: Lease) -> anyhow::Result<i64> {
        let mut last = 0;
        for batch in 0..20 {
            let puts: Vec<Value> = (0..15)
                .map(|key| {
                    put(&format!("/registry/things/{:03}", batch * 15 + key), &format!("{round}:{key}").repeat(40), 0)
                })
                .collect();
            self.transaction(&puts)?;
        }
        self.transaction(&[put("/large", &"x".repeat(1_200_000), 0)])?;
        let lease = match lease {
            Lease::Granted => {
                let granted = self.server.call("/v3/lease/grant", &json!({ "TTL": "3600" }))?;
                granted["ID"].as_str().context("a lease")?.parse()?
            }
            Lease::None => 0,
        };
        self.transaction(&[
            put("/leased/a", "1", lease),
            put("/leased/b", "2", lease),
            delete("/registry/things/29", "/registry/things/2:"),
        ])?;
        for key in 0..6 {
            last = self.transaction(&[put(&format!("/registry/things/{:03}", key + 200 + round), "short", 0)])?;
        }
        last = last.max(self.transaction(&[delete("/leased/b", "/leased/c"), put("/again", "and again", 0)])?);
        Ok(last)
    }

    fn compact(&self, revision: i64) -> anyhow::Result<()> {
        self.server.call("/v3/kv/compaction", &json!({ "revision": revision.to_string(), "physical": true })).map(drop)
    }
}

fn put(key: &str, value: &str, lease: i64) -> Value {
    json!({ "requestPut": { "key": base64(key), "value": base64(value), "lease": lease.to_string() } })
}

fn delete(from: &str, to: &str) -> Value {
    json!({ "requestDeleteRange": { "key": base64(from), "range_end": base64(to) } })
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path in UTF-8")
}

fn surveyed(file: &Path, options: SurveyOptions) -> anyhow::Result<Summary> {
    let input = fs::File::open(file)?;
    let mut survey = Survey::with_options(input.metadata()?.len(), options);
    let mut findings = Vec::new();
    drive(&mut survey, &input, |finding| findings.push(finding.to_string()))?;
    ensure!(findings.is_empty(), "{}: {findings:?}", file.display());
    Ok(survey.finish()?)
}

/// Compares everything that both etcdutl say with the survey.
fn judge(file: &Path) -> anyhow::Result<Summary> {
    let summary = surveyed(file, SurveyOptions::default())?;
    let status = |minor| -> anyhow::Result<Value> {
        let answer = etcdutl(minor)?.run(["snapshot", "status", text(file)?, "-w", "json"])?.success()?;
        Ok(serde_json::from_str(&answer.stdout)?)
    };
    let ours = &summary.status;
    let common = json!({ "hash": ours.hash, "revision": ours.revision, "totalSize": ours.total_size });
    let mut expected = common.clone();
    expected["totalKey"] = ours.total_key.into();
    expected["version"] = ours.version.clone().unwrap_or_default().into();
    ensure!(status(Minor::V3_6)? == expected, "etcdutl 3.6 says {}, the survey {expected}", status(Minor::V3_6)?);
    let mut expected = common;
    expected["totalKey"] = ours.total_key_35.into();
    ensure!(status(Minor::V3_5)? == expected, "etcdutl 3.5 says {}, the survey {expected}", status(Minor::V3_5)?);
    Ok(summary)
}

/// Compares HashKV at a revision (0: the latest) with `etcdutl hashkv`. It rewrites its input and so gets a copy, and it
/// panics when a living key has a lease (etcd v3.6.15 `kvstore.go`: "no lessor to attach lease").
fn judge_hash(file: &Path, revision: i64) -> anyhow::Result<(u64, i64)> {
    let dir = tempfile::tempdir()?;
    let copy = dir.path().join("db");
    fs::copy(file, &copy)?;
    let args = ["hashkv", text(&copy)?, "--rev", &revision.to_string(), "-w", "json"];
    let theirs: Value = serde_json::from_str(&etcdutl(Minor::V3_6)?.run(args)?.success()?.stdout)?;
    let ours = surveyed(file, SurveyOptions::default().with_revision(revision))?.hash_kv?;
    let ours_shown =
        json!({ "hash": ours.hash, "hashRevision": ours.revision, "compactRevision": ours.compact_revision });
    ensure!(theirs == ours_shown, "etcdutl says {theirs}, the survey {ours_shown}");
    Ok((u64::from(ours.hash), ours.compact_revision))
}

/// Compares with a live member, which may be compacted further than the file.
fn judge_live(file: &Path, member: &Member, revision: i64) -> anyhow::Result<()> {
    let (hash, compact) = member.hash_kv(revision)?;
    // A live member that was never compacted says -1; over JSON zero is left out.
    let options = SurveyOptions::default().with_revision(revision).with_compact_revision(compact);
    let ours = surveyed(file, options)?.hash_kv?;
    ensure!(u64::from(ours.hash) == hash, "the member says {hash} by {compact}, the survey {ours:?}");
    Ok(())
}

fn never_compacted(minor: Minor) -> anyhow::Result<()> {
    let member = Member::start(minor, &[])?;
    let fresh = judge(&member.snapshot("fresh")?)?;
    ensure!((fresh.revision, fresh.status.revision, fresh.status.total_key) == (1, 0, 0), "{fresh:?}");
    member.write(1, Lease::Granted)?;
    let last = member.write(2, Lease::Granted)?;
    let file = member.snapshot("file")?;
    let summary = judge(&file)?;
    ensure!(summary.revision == last && summary.compaction.revision() == -1, "{summary:?}");
    ensure!(summary.leases == 2 && summary.alarms.is_empty() && !summary.auth.enabled, "{summary:?}");
    ensure!(summary.members.len() == 1 && summary.consistent_index > Some(40), "{summary:?}");
    for revision in [2, 15, last - 30, last - 1, last] {
        judge_live(&file, &member, revision)?;
    }
    Ok(())
}

fn compacted(minor: Minor) -> anyhow::Result<()> {
    let mut member = Member::start(minor, &[])?;
    let first = member.write(1, Lease::None)?;
    member.compact(first - 2)?;
    judge(&member.snapshot("first")?)?;
    let second = member.write(2, Lease::None)?;
    let file = member.snapshot("second")?;
    let summary = judge(&file)?;
    ensure!(summary.compaction.revision() == first - 2 && !summary.compaction.is_in_progress(), "{summary:?}");
    for revision in [first - 2, first - 1, first, second - 3, second] {
        judge_hash(&file, revision)?;
    }
    judge_live(&file, &member, second)?;
    // The live member goes on, and is compacted further than the file: still the same data.
    member.compact(second - 1)?;
    ensure!(member.hash_kv(second)?.1 == second - 1);
    judge_live(&file, &member, second)?;
    with_users(&mut member)
}

/// Users, roles, an alarm, and authentication switched on.
fn with_users(member: &mut Member) -> anyhow::Result<()> {
    for args in
        [["user", "add", "root:secret"].as_slice(), &["user", "grant-role", "root", "root"], &["role", "add", "reader"]]
    {
        member.ctl(args)?;
    }
    let alarm = json!({ "action": "ACTIVATE", "memberID": "7", "alarm": "NOSPACE" });
    member.server.call("/v3/maintenance/alarm", &alarm)?;
    member.ctl(&["auth", "enable"])?;
    member.user = Some("root:secret".to_owned());
    let summary = judge(&member.snapshot("users")?)?;
    let alarms: Vec<_> = summary.alarms.iter().map(|alarm| (alarm.member.get(), alarm.kind)).collect();
    ensure!(alarms == [(7, AlarmKind::NoSpace)], "{alarms:?}");
    ensure!(summary.auth.enabled && summary.auth.users == 1 && summary.auth.roles == 1, "{:?}", summary.auth);
    Ok(())
}

fn bumped(minor: Minor) -> anyhow::Result<()> {
    let member = Member::start(minor, &[])?;
    member.compact(member.write(1, Lease::None)? - 2)?;
    let last = member.write(2, Lease::None)?;
    let file = member.snapshot("file")?;
    let target = member.dir.path().join("restored");
    let args = [
        "snapshot",
        "restore",
        text(&file)?,
        "--data-dir",
        text(&target)?,
        "--bump-revision",
        "1000000",
        "--mark-compacted",
    ];
    etcdutl(Minor::V3_6)?.run(args)?.success()?;
    let database = target.join("member/snap/db");
    let summary = judge(&database)?;
    judge_hash(&database, 0)?;
    ensure!(summary.revision == last + 1_000_000 && summary.compaction.is_in_progress(), "{summary:?}");
    let before = surveyed(&file, SurveyOptions::default())?;
    ensure!(summary.status.total_key == before.status.total_key + 1, "the placeholder counts");
    Ok(())
}

/// The file of a server is longer than its pages need, and has no trailer.
fn raw_database(minor: Minor) -> anyhow::Result<()> {
    let mut member = Member::start(minor, &[])?;
    member.compact(member.write(1, Lease::Granted)? - 5)?;
    let last = member.write(2, Lease::Granted)?;
    let hash = member.hash_kv(last)?;
    member.server.stop()?;
    let file = member.server.db_file();
    let summary = judge(&file)?;
    ensure!(fs::metadata(&file)?.len() >= summary.database_len);
    ensure!((u64::from(summary.hash_kv?.hash), summary.revision) == (hash.0, last), "{summary:?}, live {hash:?}");
    Ok(())
}

fn in_mid_compaction(minor: Minor) -> anyhow::Result<()> {
    let args: &[&str] = if minor == Minor::V3_5 {
        &["--experimental-compaction-batch-limit=40", "--experimental-compaction-sleep-interval=2s"]
    } else {
        &["--compaction-batch-limit=40", "--compaction-sleep-interval=2s"]
    };
    let member = Member::start(minor, args)?;
    member.write(1, Lease::None)?;
    let middle = member.write(2, Lease::None)?;
    let last = member.write(3, Lease::None)?;
    // Not physical: it answers at once, and goes on behind our back for a minute.
    member.server.call("/v3/kv/compaction", &json!({ "revision": middle.to_string() }))?;
    let file = member.snapshot("file")?;
    let summary = judge(&file)?;
    ensure!(summary.compaction.is_in_progress() && summary.compaction.revision() == middle, "{summary:?}");
    for revision in [middle, middle + 10, last] {
        judge_hash(&file, revision)?;
        judge_live(&file, &member, revision)?;
    }
    Ok(())
}

/// A status takes a few hundredths of a second.
const LIMIT: Duration = Duration::from_secs(20);

/// Whatever bbolt's check refuses, the survey refuses; and where both find nothing, they agree on the hash.
fn flipped_bytes() -> anyhow::Result<()> {
    let put = |round: u8, key: u8| -> Vec<Op> { vec![(key, Some(vec![round; usize::from(key) * 3]))] };
    let puts: Vec<_> = (0..3).flat_map(|round| (0..40).map(move |key| put(round, key))).collect();
    let plan = Plan { seed: 3, freelist: Some(FreelistForm::Short), ..Plan::new(History::of(&puts).buckets()) };
    let built = build(&plan);
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("db");
    let (mut refused, mut both) = (0, 0);
    for seed in 0..300 {
        let mut numbers = Numbers(seed);
        let mut bytes = built.bytes.clone();
        // Behind the metas; half of them in headers and element tables.
        let page = 2 + numbers.below(built.high_water as usize - 2);
        let at = page * built.page_size + numbers.below(if seed % 2 == 0 { 96 } else { built.page_size });
        bytes[at] ^= 1 << numbers.below(8);
        fs::write(&file, &bytes)?;
        // On some files bbolt's check does not end: then it has not accepted them either.
        let answer = etcdutl(Minor::V3_6)?.run_within(LIMIT, ["snapshot", "status", text(&file)?, "-w", "json"]);
        let accepted = answer.ok().filter(|answer| answer.status.success());
        let mut survey = Survey::new(bytes.len() as u64);
        drive(&mut survey, &bytes, |_| ())?;
        let summary = survey.finish()?;
        let Some(answer) = accepted else {
            ensure!(!summary.is_sound(), "seed {seed}, byte {at}: etcdutl does not accept it");
            refused += 1;
            continue;
        };
        if summary.is_sound() {
            let status: Value = serde_json::from_str(&answer.stdout)?;
            ensure!(status["hash"] == summary.status.hash, "seed {seed}, byte {at}: {status}, {:?}", summary.status);
            both += 1;
        }
    }
    ensure!(refused > 30 && both > 30, "{refused} refused, {both} found sound by both: not telling");
    Ok(())
}

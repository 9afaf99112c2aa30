//! What a restore refuses, and what it leaves alone.

mod restore_support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use etcd_snapshot::progress::Silent;
use etcd_snapshot::restore::{
    InitContainer, OrdinalRule, Outcome, Owner, RestoreOptions, TargetVersion, plan, restore,
};
use etcd_snapshot::{ErrorKind, SnapshotSource, SystemHost, inspect};
use objstore_core::disk::{ModelDisk, OsDisk};
use restore_support::{Bench, bolt_file, sample, sample_buckets, told, tree, wait, with_trailer};

const THREE: &str = "m0=http://127.0.0.1:1380,m1=http://127.0.0.1:2380,m2=http://127.0.0.1:3380";

fn bench() -> Bench {
    Bench::new(&sample(40, 500))
}

#[track_caller]
fn refused(bench: &Bench, options: &RestoreOptions, kind: ErrorKind, wants: &[&str]) {
    let error = bench.fails_cleanly(options);
    let told = told(&error);
    assert_eq!(error.kind(), kind, "{told}");
    for want in wants {
        assert!(told.contains(want), "{want:?} is missing in: {told}");
    }
}

#[test]
fn the_layout_is_etcds() {
    let bench = bench();
    let restored = bench.restore(&bench.options()).expect("it is sound");
    assert_eq!(restored.outcome, Outcome::Restored);
    let files: Vec<String> = tree(&bench.data_dir()).keys().map(|path| path.display().to_string()).collect();
    assert_eq!(
        files,
        [
            "member",
            "member/restored.json",
            "member/snap",
            "member/snap/0000000000000001-0000000000000001.snap",
            "member/snap/db",
            "member/wal",
            "member/wal/0000000000000000-0000000000000000.wal",
        ]
    );
    let metadata = |path: &str| fs::metadata(bench.data_dir().join(path)).expect("it is there");
    for dir in ["", "member", "member/snap", "member/wal"] {
        assert_eq!(metadata(dir).permissions().mode() & 0o777, 0o700, "{dir}");
    }
    for file in ["member/snap/db", "member/restored.json", "member/wal/0000000000000000-0000000000000000.wal"] {
        assert_eq!(metadata(file).permissions().mode() & 0o777, 0o600, "{file}");
    }
    assert_eq!(metadata("member/wal/0000000000000000-0000000000000000.wal").len(), 64_000_000);
}

#[test]
fn two_restores_have_two_tokens_unless_one_is_given() {
    let (first, second) = (bench(), bench());
    let identity = |bench: &Bench, options: &RestoreOptions| {
        bench.restore(options).expect("it is sound").identity.expect("it was written")
    };
    let (a, b) = (identity(&first, &first.options()), identity(&second, &second.options()));
    assert_ne!(a.token, b.token);
    assert_ne!(a.cluster_id, b.cluster_id);

    let third = bench();
    let given = identity(&third, &third.options().with_initial_cluster_token("etcd-cluster"));
    assert_eq!(
        (given.cluster_id.to_string(), given.member_id.to_string()),
        ("cdf818194e3a8c32".to_owned(), "8e9e05c52164694d".to_owned())
    );
}

#[test]
fn a_populated_target_is_untouched() {
    let bench = bench();
    let member = bench.data_dir().join("member");
    fs::create_dir_all(member.join("snap")).expect("it can be made");
    fs::write(member.join("snap/db"), b"precious").expect("it can be written");
    let before = tree(&bench.data_dir());

    let error = bench.restore(&bench.options()).expect_err("there is data");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("member"), "{error}");
    assert_eq!(tree(&bench.data_dir()), before);
}

#[test]
fn a_file_or_a_link_named_member_is_untouched() {
    for link in [false, true] {
        let bench = bench();
        fs::create_dir(bench.data_dir()).expect("it can be made");
        let member = bench.data_dir().join("member");
        if link {
            std::os::unix::fs::symlink("/nowhere", &member).expect("it can be made");
        } else {
            fs::write(&member, b"somebody's notes").expect("it can be written");
        }
        let error = bench.restore(&bench.options()).expect_err("there is something");
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(fs::symlink_metadata(&member).is_ok());
        assert_eq!(fs::read_dir(bench.data_dir()).expect("it can be read").count(), 1);
    }
}

#[test]
fn a_proxys_directory_is_untouched() {
    let bench = bench();
    fs::create_dir_all(bench.data_dir().join("proxy")).expect("it can be made");
    let error = bench.restore(&bench.options()).expect_err("there is data");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(tree(&bench.data_dir()).len(), 1);
}

#[test]
fn lost_and_found_is_no_data() {
    let bench = bench();
    fs::create_dir_all(bench.data_dir().join("lost+found")).expect("it can be made");
    bench.restore(&bench.options()).expect("a fresh file system has that folder");
    assert!(bench.data_dir().join("lost+found").exists());

    let bench = Bench::new(b"not a snapshot");
    fs::create_dir_all(bench.data_dir().join("lost+found")).expect("it can be made");
    bench.restore(&bench.options()).expect_err("it is no snapshot");
    assert_eq!(tree(&bench.data_dir()).len(), 1, "what was there stays, and nothing else");
}

#[test]
fn a_file_as_data_directory_is_refused() {
    let bench = bench();
    fs::write(bench.data_dir(), b"x").expect("it can be written");
    let error = bench.restore(&bench.options()).expect_err("it is a file");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(fs::read(bench.data_dir()).expect("it is there"), b"x");
}

#[test]
fn a_link_as_data_directory_is_refused() {
    let bench = bench();
    let real = bench.dir.path().join("real");
    fs::create_dir(&real).expect("it can be made");
    std::os::unix::fs::symlink(&real, bench.data_dir()).expect("it can be made");
    let error = bench.restore(&bench.options()).expect_err("it is a link");
    assert!(error.kind() == ErrorKind::Refused && error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(tree(&real).len(), 0);
}

#[test]
fn two_restores_at_once_do_not_mix() {
    for init in [false, true] {
        let bench = Bench::new(&sample(400, 4_000));
        let options = match init {
            true => bench.options().with_init_container(InitContainer::new(0)),
            false => bench.options(),
        };
        let (a, b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| bench.restore(&options));
            (bench.restore(&options), other.join().expect("it does not panic"))
        });
        let mut outcomes: Vec<_> = [a, b].into_iter().map(|r| r.map(|r| r.outcome).map_err(|e| e.kind())).collect();
        outcomes.sort_by_key(|outcome| format!("{outcome:?}"));
        let other = if init { Ok(Outcome::AlreadyRestored) } else { Err(ErrorKind::Refused) };
        assert!(outcomes.contains(&Ok(Outcome::Restored)) && outcomes.contains(&other), "{outcomes:?}");
        assert_eq!(tree(&bench.data_dir()).len(), 7);
    }
}

#[test]
fn a_database_that_cannot_be_patched_is_written_anew() {
    let mut buckets = sample_buckets(40, 500);
    // More than a patch reads of a bucket that it changes.
    let meta = buckets.get_mut(b"meta".as_slice()).expect("the bucket");
    meta.extend((0..18).map(|index| (format!("zzz{index:06}").into_bytes(), vec![7; 1_000_000])));
    let bench = Bench::new(&with_trailer(bolt_file(&buckets)));
    let options = bench.options().with_bump_revision(10).with_mark_compacted(true);
    let changes = bench.restore(&options).expect("it is sound").changes.expect("it was written");
    assert_eq!(changes.revision, 51);
    assert_eq!(tree(&bench.data_dir()).len(), 7, "nothing is left of the writing");
    let db = SnapshotSource::file(bench.data_dir().join("member/snap/db")).expect("it is there");
    let inspection = wait(inspect(&db, &Silent)).expect("it is a database");
    assert!(inspection.is_sound(), "{:?}", inspection.findings);
    assert_eq!(inspection.summary.revision, 51);
}

#[test]
fn a_second_restore_by_hand_is_refused() {
    let bench = bench();
    bench.restore(&bench.options()).expect("it is sound");
    let before = tree(&bench.data_dir());
    let error = bench.restore(&bench.options()).expect_err("there is data now");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("an earlier restore"), "{error}");
    assert!(tree(&bench.data_dir()) == before);
}

#[test]
fn the_log_can_lie_elsewhere() {
    let bench = bench();
    let wal = bench.dir.path().join("deep/wal");
    bench.restore(&bench.options().with_wal_dir(&wal)).expect("it is sound");
    assert!(wal.join("0000000000000000-0000000000000000.wal").is_file());
    assert_eq!(tree(&wal).len(), 1);
    assert!(!bench.data_dir().join("member/wal").exists());
}

#[test]
fn a_log_directory_that_holds_something_is_untouched() {
    let bench = bench();
    let wal = bench.dir.path().join("wal");
    fs::create_dir(&wal).expect("it can be made");
    fs::create_dir(wal.join("lost+found")).expect("it can be made");
    bench.restore(&bench.options().with_wal_dir(&wal)).expect("lost+found is nothing");
    fs::remove_dir_all(bench.data_dir()).expect("it can be removed");

    let before = tree(&wal);
    refused(&bench, &bench.options().with_wal_dir(&wal), ErrorKind::Refused, &["not empty", ".wal"]);
    assert!(tree(&wal) == before);
}

#[test]
fn a_failure_takes_the_log_away_too() {
    let mut snapshot = sample(40, 500);
    let last = snapshot.len() - 1;
    snapshot[last] ^= 1;
    let bench = Bench::new(&snapshot);
    let wal = bench.dir.path().join("deep/wal");
    bench.fails_cleanly(&bench.options().with_wal_dir(&wal));
    assert!(!bench.dir.path().join("deep").exists());
}

#[test]
fn overlapping_directories_are_a_mistake() {
    let bench = bench();
    for wal in [bench.data_dir(), bench.data_dir().join("member/log"), bench.dir.path().to_path_buf()] {
        refused(&bench, &bench.options().with_wal_dir(wal), ErrorKind::Usage, &["overlap"]);
    }
}

#[test]
fn a_member_outside_of_the_initial_cluster_is_a_mistake() {
    let bench = bench();
    let options = bench.options().with_name("m9").with_initial_cluster(THREE).with_initial_cluster_token("t");
    refused(&bench, &options, ErrorKind::Usage, &["m9", "m0"]);
}

#[test]
fn wrong_peer_urls_are_a_mistake() {
    let bench = bench();
    let options = bench.options().with_name("m1").with_initial_cluster(THREE).with_initial_cluster_token("t");
    let other = options.clone().with_initial_advertise_peer_urls(["http://127.0.0.1:9999"]);
    refused(&bench, &other, ErrorKind::Usage, &["http://127.0.0.1:9999", "http://127.0.0.1:2380"]);
    bench.restore(&options.with_initial_advertise_peer_urls(["http://127.0.0.1:2380"])).expect("they are the same");

    for wrong in [
        "default=127.0.0.1:2380",
        "default=ftp://h:1",
        "default=http://h",
        "default=http://h:1/path",
        "=http://h:1",
        "x",
    ] {
        let bench = self::bench();
        refused(&bench, &bench.options().with_initial_cluster(wrong), ErrorKind::Usage, &["http://HOST:PORT"]);
    }
}

#[test]
fn several_members_need_a_token_and_are_shown_one() {
    let bench = bench();
    let options = bench.options().with_name("m1").with_initial_cluster(THREE);
    refused(&bench, &options, ErrorKind::Refused, &["3 members", "take restored-", "every one of them"]);
    // What no token would mend is said first.
    refused(&bench, &options.clone().with_name("stranger"), ErrorKind::Usage, &["stranger", "do not fit together"]);
    refused(&bench, &options.with_initial_cluster_token(""), ErrorKind::Usage, &["token"]);
}

#[test]
fn members_restored_with_one_token_agree() {
    let ids = |name: &str| {
        let bench = bench();
        let options = bench.options().with_name(name).with_initial_cluster(THREE).with_initial_cluster_token("t");
        bench.restore(&options).expect("it is sound").identity.expect("it was written")
    };
    let (a, b, c) = (ids("m0"), ids("m1"), ids("m2"));
    assert!(a.cluster_id == b.cluster_id && b.cluster_id == c.cluster_id);
    assert!(a.member_id != b.member_id && b.member_id != c.member_id);
}

#[test]
fn bump_and_mark_go_together() {
    let bench = bench();
    refused(&bench, &bench.options().with_bump_revision(10), ErrorKind::Usage, &["marked as compacted"]);
    refused(&bench, &bench.options().with_mark_compacted(true), ErrorKind::Usage, &["raise the revision"]);
    let beyond = bench.options().with_bump_revision(u64::MAX).with_mark_compacted(true);
    refused(&bench, &beyond, ErrorKind::Usage, &["revision 41 cannot be raised by 18446744073709551615"]);
    let highest = bench.options().with_bump_revision(i64::MAX.unsigned_abs() - 41).with_mark_compacted(true);
    refused(&bench, &highest, ErrorKind::Usage, &["beyond the highest, 9223372036854775806", "by less"]);
    let bumped = bench.options().with_bump_revision(1_000).with_mark_compacted(true);
    let changes = bench.restore(&bumped).expect("it is sound").changes.expect("it was written");
    assert_eq!((changes.snapshot_revision, changes.revision), (41, 1_041));
}

#[test]
fn too_new_data_is_refused() {
    for (bucket, key) in [("meta", "storageVersion"), ("cluster", "clusterVersion")] {
        let mut buckets = sample_buckets(40, 500);
        buckets.get_mut(bucket.as_bytes()).expect("the bucket").insert(key.as_bytes().to_vec(), b"3.7.0".to_vec());
        let bench = Bench::new(&with_trailer(bolt_file(&buckets)));
        for older in [TargetVersion::new(3, 4), TargetVersion::new(3, 5), TargetVersion::new(3, 6)] {
            refused(
                &bench,
                &bench.options().with_target_version(older),
                ErrorKind::Refused,
                &["3.7", &older.to_string()],
            );
        }
        let same: TargetVersion = "v3.7.2".parse().expect("it is a version");
        bench.restore(&bench.options().with_target_version(same)).expect("it is not too new");
    }
}

fn with_alarm(kind: u8) -> Bench {
    let mut buckets = sample_buckets(40, 500);
    buckets.get_mut(b"alarm".as_slice()).expect("the bucket").insert(vec![0x08, 0x2a, 0x10, kind], Vec::new());
    Bench::new(&with_trailer(bolt_file(&buckets)))
}

#[test]
fn an_alarm_of_a_full_disk_is_dropped() {
    let bench = with_alarm(1);
    let changes = bench.restore(&bench.options()).expect("it is sound").changes.expect("it was written");
    assert_eq!(changes.dropped_alarms, ["NOSPACE 2a"]);

    let bench = with_alarm(1);
    let kept = bench.restore(&bench.options().with_keep_nospace_alarms(true)).expect("it is sound");
    assert_eq!(kept.changes.expect("it was written").kept_alarms, ["NOSPACE 2a"]);
}

#[test]
fn an_alarm_of_corruption_is_never_cleared_silently() {
    let bench = with_alarm(2);
    refused(&bench, &bench.options(), ErrorKind::Refused, &["CORRUPT", "2a", "have the alarm cleared"]);
    let cleared = bench.restore(&bench.options().with_clear_corrupt_alarms(true)).expect("it was insisted on");
    assert_eq!(cleared.changes.expect("it was written").dropped_alarms, ["CORRUPT 2a"]);
}

#[test]
fn authentication_can_be_turned_off() {
    let mut buckets = sample_buckets(40, 500);
    buckets.get_mut(b"auth".as_slice()).expect("the bucket").insert(b"authEnabled".to_vec(), vec![1]);
    let snapshot = with_trailer(bolt_file(&buckets));
    for disable in [false, true] {
        let bench = Bench::new(&snapshot);
        let restored = bench.restore(&bench.options().with_disable_auth(disable)).expect("it is sound");
        let changes = restored.changes.expect("it was written");
        assert_eq!((changes.auth_enabled, changes.auth_disabled), (true, disable));
    }
}

#[test]
fn a_plan_writes_nothing() {
    let bench = with_alarm(1);
    let source = SnapshotSource::file(&bench.snapshot).expect("it is there");
    let options = bench.options().with_bump_revision(5).with_mark_compacted(true);
    let planned = wait(plan(&source, &options, Arc::new(OsDisk::new()), &SystemHost)).expect("it is sound");
    assert!(!bench.data_dir().exists());
    let changes = planned.changes.expect("it would be written");
    assert_eq!(changes.revision, 46);
    assert_eq!(changes.dropped_alarms, ["NOSPACE 2a"]);
    assert_eq!(changes.storage_version.as_deref(), Some("3.6.0"));
    assert_eq!(changes.snapshot_sha256, None);
    assert!(planned.needed_bytes > 64_000_000 && planned.free_bytes > 0);
}

#[test]
fn what_is_made_belongs_to_the_owner() {
    let bench = bench();
    let me = fs::metadata(bench.dir.path()).expect("it is there");
    use std::os::unix::fs::MetadataExt as _;
    // Only root may give files away; anybody may give them to himself.
    let (uid, gid) = if me.uid() == 0 { (12_345, 54_321) } else { (me.uid(), me.gid()) };
    bench.restore(&bench.options().with_owner(Owner::new(uid, gid))).expect("it is sound");
    for path in tree(&bench.data_dir()).keys() {
        let made = fs::metadata(bench.data_dir().join(path)).expect("it is there");
        assert_eq!((made.uid(), made.gid()), (uid, gid), "{}", path.display());
    }
    assert_eq!("12345:54321".parse::<Owner>().expect("it is an owner"), Owner::new(12_345, 54_321));
    assert_eq!("root:root".parse::<Owner>().expect_err("these are names").kind(), ErrorKind::Usage);
}

#[test]
fn a_disk_that_is_too_small_is_told_before_anything_is_written() {
    let bench = bench();
    let disk = ModelDisk::new();
    disk.set_capacity(10_000_000);
    let options = bench.options().with_data_dir("/var/lib/etcd");
    let error = bench.restore_on(&options, Arc::new(disk.clone())).expect_err("the log alone needs more");
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    assert!(error.to_string().contains("10000000 bytes"), "{error}");
    assert_eq!(disk.calls(), 0, "{:?}", disk.log());
}

#[test]
fn ordinals_come_from_host_names() {
    for (host, ordinal) in [("etcd-0", 0), ("my-etcd-12", 12), ("etcd-3.etcd.default.svc", 3)] {
        assert_eq!(InitContainer::from_host_name(host).expect(host).ordinal, ordinal);
    }
    for host in ["etcd", "etcd-", "etcd-x", "etcd-+1", "", "etcd-99999999999999999999999"] {
        assert_eq!(InitContainer::from_host_name(host).expect_err(host).kind(), ErrorKind::Usage, "{host}");
    }
}

#[test]
fn of_one_initial_member_only_ordinal_0_restores() {
    let bench = bench();
    let other = bench.restore(&bench.options().with_init_container(InitContainer::new(1))).expect("it stands by");
    assert_eq!(other.outcome, Outcome::NotThisOrdinal);
    assert!(!bench.data_dir().exists());
    let first = bench.restore(&bench.options().with_init_container(InitContainer::new(0))).expect("it restores");
    assert_eq!(first.outcome, Outcome::Restored);

    let every = self::bench();
    let init = InitContainer::new(0).with_rule(OrdinalRule::Every);
    refused(&every, &every.options().with_init_container(init), ErrorKind::Refused, &["cluster of its own"]);
}

#[test]
fn of_several_initial_members_none_restores_alone_or_from_a_file() {
    let bench = bench();
    let options = bench.options().with_name("m0").with_initial_cluster(THREE).with_initial_cluster_token("t");
    let alone = options.clone().with_init_container(InitContainer::new(0).with_rule(OrdinalRule::First));
    refused(&bench, &alone, ErrorKind::Refused, &["split the data", "start empty"]);
    // The file of another pod can be of another time.
    let from_file = options.with_init_container(InitContainer::new(0));
    refused(&bench, &from_file, ErrorKind::Refused, &["a file", "by its id"]);
}

#[test]
fn an_init_container_runs_again_without_effect() {
    let bench = bench();
    let options = bench.options().with_init_container(InitContainer::new(0));
    let first = bench.restore(&options).expect("it restores");
    // What etcd does with the data afterwards is none of its business.
    fs::write(bench.data_dir().join("member/snap/db"), b"grown").expect("it can be written");
    let before = tree(&bench.data_dir());
    let second = bench.restore(&options).expect("it leaves it alone");
    assert_eq!(second.outcome, Outcome::AlreadyRestored);
    assert_eq!(second.identity, first.identity);
    assert!(tree(&bench.data_dir()) == before);

    let pinned =
        bench.restore(&options.with_pinned_id("20261121T072013.123Z-7f3k9q2mabcd")).expect_err("that is another");
    assert_eq!(pinned.kind(), ErrorKind::Refused);
    assert!(tree(&bench.data_dir()) == before);
}

#[test]
fn an_init_container_leaves_other_data_alone() {
    let bench = bench();
    fs::create_dir_all(bench.data_dir().join("member/wal")).expect("it can be made");
    let options = bench.options().with_init_container(InitContainer::new(0));
    assert_eq!(bench.restore(&options).expect("it leaves it alone").outcome, Outcome::AlreadyPopulated);
    let pinned =
        bench.restore(&options.with_pinned_id("20261121T072013.123Z-7f3k9q2mabcd")).expect_err("that is another");
    assert_eq!(pinned.kind(), ErrorKind::Refused);
    assert_eq!(tree(&bench.data_dir()).len(), 2);
}

#[test]
fn a_dropped_restore_takes_its_work_back() {
    let bench = Bench::new(&sample(4_000, 4_000));
    let source = SnapshotSource::file(&bench.snapshot).expect("it is there");
    let options = bench.options();
    let host = SystemHost;
    let finished = wait(async {
        let begun = async {
            while !bench.data_dir().join("member").exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = begun => false,
            _ = restore(&source, &options, Arc::new(OsDisk::new()), &host) => true,
        }
    });
    // The runtime has waited for its threads.
    assert!(!finished, "it must be dropped in the middle");
    assert!(!bench.data_dir().exists());
    bench.restore(&options).expect("the next one is not disturbed");
}

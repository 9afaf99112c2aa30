//! A survey answers as etcd's own rules do, whatever the layout, and says what is wrong with a damaged file.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod history;
mod pages;

use etcd_format::survey::{AlarmKind, NoHashKv, Summary, Survey, SurveyOptions};
use etcd_format::{ReadRequest, Step, drive};
use history::{History, Op, Rev};
use pages::{Built, FreelistForm, Plan, build};
use proptest::prelude::*;

fn survey_with(bytes: &Vec<u8>, options: SurveyOptions) -> (Vec<String>, Summary) {
    let mut survey = Survey::with_options(bytes.len() as u64, options);
    let mut findings = Vec::new();
    drive(&mut survey, bytes, |finding| findings.push(finding.to_string())).unwrap();
    (findings, survey.finish().unwrap())
}

fn sound(built: &Built, options: SurveyOptions) -> Summary {
    let (findings, summary) = survey_with(&built.bytes, options);
    assert_eq!(findings, Vec::<String>::new());
    assert!(summary.is_sound());
    summary
}

/// CRC-32C over the names, keys and values of all buckets.
fn status_hash(history: &History) -> u32 {
    let mut hashed = Vec::new();
    for (name, items) in history.buckets() {
        hashed.extend(name);
        items.into_iter().for_each(|(key, value)| hashed.extend([key, value].concat()));
    }
    crc32c::crc32c(&hashed)
}

fn transactions() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let value = prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Some),
        1 => proptest::collection::vec(any::<u8>(), 3000..9000).prop_map(Some),
        3 => Just(None),
    ];
    proptest::collection::vec(proptest::collection::vec((0_u8..12, value), 1..4), 1..40)
}

/// How far it went, and whether by an old etcd.
type Finished = (i64, bool);
/// How far it was to go, and after how many records it stopped.
type Interrupted = (i64, usize);

/// How far compactions went, as parts of 100 of the history: a finished one, and perhaps one that was interrupted.
fn compactions() -> impl Strategy<Value = (Option<Finished>, Option<Interrupted>)> {
    (proptest::option::of((0_i64..=100, any::<bool>())), proptest::option::of((0_i64..=100, 0_usize..60)))
}

fn history() -> impl Strategy<Value = History> {
    (transactions(), compactions()).prop_map(|(transactions, (finished, interrupted))| {
        let mut history = History::of(&transactions);
        let part = |history: &History, percent: i64| 1 + (history.last - 1) * percent / 100;
        if let Some((percent, old)) = finished {
            history.compact(part(&history, percent), old, None);
        }
        if let Some((percent, records)) = interrupted {
            let at = part(&history, percent);
            if at > history.compact_revision() {
                history.compact(at, false, Some(records));
            }
        }
        history
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let freelist = prop_oneof![Just(None), Just(Some(FreelistForm::Short)), Just(Some(FreelistForm::Long))];
    (0_u32..7, any::<bool>(), 1_usize..9, 2_usize..6, 0_u64..1000, freelist).prop_map(
        |(size, inline, per_leaf, per_branch, seed, freelist)| {
            let page_size = 1024 << size;
            Plan { page_size, inline, per_leaf, per_branch, seed, freelist, ..Plan::new(Default::default()) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn figures_and_hashes_follow_etcds_rules(history in history(), plan in plan(), window in prop_oneof![Just(1_usize), Just(3), Just(1 << 20)]) {
        let built = build(&Plan { buckets: history.buckets(), ..plan });
        let summary = sound(&built, SurveyOptions::default().with_window_leaves(window));
        prop_assert_eq!(summary.status.hash, status_hash(&history));
        prop_assert_eq!(summary.status.revision, history.records.keys().last().map_or(0, |rev| rev.0));
        prop_assert_eq!(summary.status.total_key, history.living());
        prop_assert_eq!(summary.status.total_key_35, history.buckets().values().map(|items| items.len() as u64).sum::<u64>());
        prop_assert_eq!(summary.status.total_size, built.bytes.len() as u64);
        prop_assert_eq!(summary.revision, history.revision());
        prop_assert_eq!((summary.compaction.scheduled, summary.compaction.finished), (history.scheduled, history.finished));
        let hash = summary.hash_kv.unwrap();
        prop_assert_eq!(hash.compact_revision, history.compact_revision());
        prop_assert_eq!(hash.revision, history.revision());
        prop_assert_eq!(hash.hash, history.hash_kv(history.revision(), history.compact_revision()));
    }

    #[test]
    fn the_hash_is_right_at_any_revision_and_compaction(history in history(), plan in plan(), picks in (0_i64..=100, 0_i64..=100)) {
        let built = build(&Plan { buckets: history.buckets(), ..plan });
        let (low, high) = (history.compact_revision(), history.revision());
        let revision = low.max(1) + (high - low.max(1)) * picks.0 / 100;
        let compact = low + (revision - low) * picks.1 / 100;
        let options = SurveyOptions::default().with_revision(revision).with_compact_revision(compact);
        let summary = sound(&built, options);
        let hash = summary.hash_kv.unwrap();
        prop_assert_eq!((hash.revision, hash.compact_revision), (revision, compact));
        prop_assert_eq!(hash.hash, history.hash_kv(revision, compact), "revision {}, compaction {}", revision, compact);
        prop_assert_eq!(summary.status.total_key, history.living());
    }
}

/// Forty keys, changed three times each, a fifth of them deleted.
fn long_history() -> History {
    let put = |round: u8, key: u8| vec![(key, Some(vec![round; usize::from(key) * 3]))];
    let puts = (0..3).flat_map(|round| (0..40).map(move |key| put(round, key)));
    let deletes = (0..8).map(|key| vec![(key * 5, None)]);
    History::of(&puts.chain(deletes).collect::<Vec<_>>())
}

#[test]
fn the_small_buckets_are_read() {
    let history = long_history();
    let summary = sound(&build(&Plan::new(history.buckets())), SurveyOptions::default());
    assert_eq!((summary.consistent_index, summary.term), (Some(77), Some(3)));
    assert_eq!(summary.status.version.as_deref(), Some("3.6.0"));
    assert_eq!(summary.cluster_version.as_deref(), Some("3.6.0"));
    assert_eq!(summary.downgrade_target, None);
    assert_eq!((summary.leases, summary.members_removed), (1, 0));
    let [member] = summary.members.as_slice() else { panic!("{:?}", summary.members) };
    assert_eq!((member.name(), member.id().to_string().as_str()), ("default", "8e9e05c52164694d"));
    let [alarm] = summary.alarms.as_slice() else { panic!("{:?}", summary.alarms) };
    assert_eq!((alarm.member.get(), alarm.kind), (7, AlarmKind::NoSpace));
    assert_eq!((summary.auth.enabled, summary.auth.users, summary.auth.roles), (true, 1, 1));
}

#[test]
fn a_bumped_file_counts_its_placeholder() {
    let mut history = long_history();
    history.compact(100, false, None);
    let bumped: Rev = (1_000_000, 0);
    history.records.insert(bumped, (Vec::new(), Some(Vec::new())));
    history.scheduled = Some(bumped.0);
    let summary = sound(&build(&Plan::new(history.buckets())), SurveyOptions::default());
    assert_eq!((summary.revision, summary.status.revision), (1_000_000, 1_000_000));
    assert_eq!(summary.status.total_key, 33, "32 keys and the placeholder");
    assert_eq!(summary.hash_kv.unwrap().hash, history.hash_kv(1_000_000, 1_000_000));
}

#[test]
fn when_nothing_lives_nothing_is_left_out() {
    let mut history = long_history();
    let last = history.last;
    for (main, key) in (last + 1..).zip(0..40) {
        history.records.insert((main, 0), (history::user_key(key), None));
    }
    history.compact(150, false, Some(0));
    let (revision, compact) = (history.revision(), history.compact_revision());
    let summary = sound(&build(&Plan::new(history.buckets())), SurveyOptions::default());
    assert_eq!(summary.hash_kv.unwrap().hash, history.hash_kv(revision, compact));
    assert_eq!(summary.status.total_key, 0);
}

#[test]
fn when_nothing_lives_tombstones_count_too() {
    let put = |key: u8| vec![(key, Some(vec![key]))];
    let mut history = History::of(&[put(1), put(2), vec![(1, None)], vec![(2, None)]]);
    history.compact(5, false, Some(2));
    assert_eq!(history.records.keys().copied().collect::<Vec<Rev>>(), [(4, 0), (5, 0)], "only the tombstones are left");
    let summary = sound(&build(&Plan::new(history.buckets())), SurveyOptions::default());
    let hash = summary.hash_kv.unwrap();
    assert_eq!((hash.hash, hash.compact_revision), (history.hash_kv(5, 5), 5));
}

#[test]
fn questions_without_an_answer_are_refused() {
    let mut history = long_history();
    history.compact(50, false, None);
    let built = build(&Plan::new(history.buckets()));
    let ask = |revision: i64, compact: i64| {
        sound(&built, SurveyOptions::default().with_revision(revision).with_compact_revision(compact)).hash_kv
    };
    assert_eq!(ask(49, 49), Err(NoHashKv::Compacted { compact_revision: 50 }));
    assert_eq!(ask(1000, 60), Err(NoHashKv::Future { revision: history.revision() }));
    assert_eq!(ask(100, 49), Err(NoHashKv::CompactedFurther { compact_revision: 50 }));
    assert_eq!(ask(100, 101), Err(NoHashKv::CompactedAboveRevision { revision: 100 }));
    assert_eq!(ask(100, 100).unwrap().hash, history.hash_kv(100, 100));
    assert_eq!(ask(0, 50).unwrap().revision, history.revision(), "0 means the latest, as in etcd's call");
}

#[test]
fn empty_and_foreign_files_are_surveyed() {
    let empty = sound(&build(&Plan::new(Default::default())), SurveyOptions::default());
    assert_eq!((empty.status.hash, empty.status.total_key_35, empty.revision), (0, 0, 1));
    assert_eq!(empty.hash_kv.unwrap().hash, crc32c::crc32c(b"key"));
}

#[test]
fn requests_of_a_window_ascend_and_look_ahead() {
    let history = long_history();
    let built = build(&Plan { buckets: history.buckets(), inline: false, seed: 5, ..Plan::new(Default::default()) });
    let mut survey = Survey::new(built.bytes.len() as u64);
    let mut requests: Vec<ReadRequest> = Vec::new();
    loop {
        match survey.step().unwrap() {
            Step::Read(request) => {
                let range = request.offset as usize..request.end() as usize;
                assert_eq!(survey.step().unwrap(), Step::Read(request), "asked again, the same is asked for");
                assert!(survey.feed(&built.bytes[range.start..range.end - 1]).is_err());
                survey.feed(&built.bytes[range]).unwrap();
                assert!(survey.feed(&[]).is_err());
                requests.push(request);
            }
            Step::Item(finding) => panic!("{finding}"),
            Step::Done => break,
        }
    }
    let leaves: Vec<u64> = built.runs_of(b"key", true).map(|run| run.id * 1024).collect();
    let asked: Vec<u64> = requests.iter().map(|request| request.offset).filter(|at| leaves.contains(at)).collect();
    assert_eq!(asked.len(), leaves.len(), "every leaf is read once");
    let descents = asked.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(descents <= 4, "a leaf to learn the depth, then one stretch for each level: {asked:?}");
    assert!(requests.iter().all(|request| request.ahead >= request.end() && request.ahead <= built.bytes.len() as u64));
}

#[test]
fn memory_follows_the_stated_bound() {
    let count = 60_000_i64;
    let mut history = History::default();
    for number in 0..count {
        let key = format!("/registry/pods/{number:08}").into_bytes();
        let message = history::key_value(&key, number + 2, number + 2, 1, b"x", 0);
        history.records.insert((number + 2, 0), (key, Some(message)));
    }
    let peak = |history: &History, options: SurveyOptions| {
        let built = build(&Plan {
            buckets: history.buckets(),
            page_size: 4096,
            per_leaf: 10,
            per_branch: 100,
            seed: 7,
            ..Plan::new(Default::default())
        });
        let mut survey = Survey::with_options(built.bytes.len() as u64, options);
        let mut peak = 0;
        loop {
            peak = peak.max(survey.memory());
            match survey.step().unwrap() {
                Step::Read(request) => {
                    survey.feed(&built.bytes[request.offset as usize..request.end() as usize]).unwrap()
                }
                Step::Item(finding) => panic!("{finding}"),
                Step::Done => break peak,
            }
        }
    };
    let window = |leaves: usize| SurveyOptions::default().with_window_leaves(leaves);
    let per_leaf = 64 + 17;
    let constant = 64 << 10;
    assert!(peak(&history, window(512)) < 512 * per_leaf + constant);
    assert!(peak(&history, window(4096)) < 4096 * per_leaf + constant);
    history.finished = Some(2);
    history.scheduled = Some(2);
    let keys = count as usize - 1;
    assert!(peak(&history, window(512)) < 40 * keys + 512 * per_leaf + constant, "a finished compaction");
    history.scheduled = Some(1000);
    assert!(peak(&history, window(512)) < 80 * keys + 512 * per_leaf + constant, "a compaction in progress");
}

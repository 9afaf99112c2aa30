//! What retries make of faults: the effect told is the effect made, nothing is made twice, and nothing hangs.
use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{TryStreamExt as _, future::join_all};
use objstore_core::{
    Condition, CopyOptions, DeleteItem, DeleteOptions, Effect, Error, ErrorKind, MemoryStore, ObjectKey, ObjectStore,
    ObjectStoreExt as _, Random as _, ReadOptions, Result, Retry, Revision, SeededRandom, UploadOptions, WriteOptions,
    WriteToken,
    layers::{Retries, RetryBudget, RetryLoop, RetryPolicy, TimeLimits, Timeouts},
};

use crate::faulty::{Fault, Faulty, Hurry};

const SEED: u64 = 20_261_121;

fn stack(store: Faulty, timer: &Hurry) -> Retries {
    let timer = Arc::new(timer.clone());
    let limits = TimeLimits::new().with_long(Duration::from_secs(30));
    let timed = Timeouts::new(Arc::new(store)).with_limits(limits).with_timer(Arc::clone(&timer) as _);
    let policy = RetryPolicy::new().with_max_elapsed(Duration::from_secs(1000));
    let rule = RetryLoop::new().with_policy(policy).with_timer(timer).with_random(Arc::new(SeededRandom::new(SEED)));
    Retries::new(Arc::new(timed)).with_loop(rule)
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

fn options(condition: Option<Condition>) -> WriteOptions {
    let mut options = WriteOptions::new();
    options.condition = condition;
    options
}

/// What is done to the object `a`, which holds `old` where it is there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Put,
    Create,
    CreateTaken,
    Replace,
    ReplaceStale,
    Upload,
    UploadCreate,
    UploadCreateTaken,
    UploadReplace,
    Copy,
    CopyCreate,
    Delete,
    DeleteAbsent,
    DeleteAt,
    DeleteAtStale,
    BatchDelete,
    BatchDeleteAt,
    Increment,
}

use Case as C;

impl Case {
    const ALL: &'static [Self] = &[
        Self::Put,
        Self::Create,
        Self::CreateTaken,
        Self::Replace,
        Self::ReplaceStale,
        Self::Upload,
        Self::UploadCreate,
        Self::UploadCreateTaken,
        Self::UploadReplace,
        Self::Copy,
        Self::CopyCreate,
        Self::Delete,
        Self::DeleteAbsent,
        Self::DeleteAt,
        Self::DeleteAtStale,
        Self::BatchDelete,
        Self::BatchDeleteAt,
        Self::Increment,
    ];

    fn is_taken(self) -> bool {
        !matches!(self, Self::Create | Self::UploadCreate | Self::CopyCreate | Self::DeleteAbsent)
    }

    /// What the store refuses without any fault.
    fn refusal(self) -> Option<ErrorKind> {
        match self {
            Self::CreateTaken | Self::UploadCreateTaken => Some(ErrorKind::AlreadyExists),
            Self::ReplaceStale | Self::DeleteAtStale => Some(ErrorKind::PreconditionFailed),
            _ => None,
        }
    }

    /// What the object holds when it was done.
    fn wanted(self) -> Option<&'static str> {
        match self {
            Self::Delete
            | Self::DeleteAbsent
            | Self::DeleteAt
            | Self::DeleteAtStale
            | Self::BatchDelete
            | Self::BatchDeleteAt => None,
            Self::Increment => Some("6"),
            _ => Some("new"),
        }
    }

    fn before(self) -> &'static str {
        if self == Self::Increment { "5" } else { "old" }
    }

    async fn run(self, store: &Retries, at: Option<Revision>) -> Result<Option<Revision>> {
        let matches = || at.clone().map(Condition::Matches);
        let stale = || Some(Condition::Matches(Revision::new("stale")));
        let absent = || Some(Condition::Absent);
        match self {
            Self::Put => write(store, None).await,
            Self::Create | Self::CreateTaken => write(store, absent()).await,
            Self::Replace => write(store, matches()).await,
            Self::ReplaceStale => write(store, stale()).await,
            Self::Upload => upload(store, None).await,
            Self::UploadCreate | Self::UploadCreateTaken => upload(store, absent()).await,
            Self::UploadReplace => upload(store, matches()).await,
            Self::Copy => copy(store, None).await,
            Self::CopyCreate => copy(store, absent()).await,
            Self::Delete | Self::DeleteAbsent => delete(store, None).await,
            Self::DeleteAt => delete(store, matches()).await,
            Self::DeleteAtStale => delete(store, stale()).await,
            Self::BatchDelete => batch(store, None).await,
            Self::BatchDeleteAt => batch(store, matches()).await,
            Self::Increment => increment(store).await,
        }
    }
}

async fn write(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    Ok(Some(store.put(&key("a"), "new".into(), options(condition)).await?.revision))
}

async fn upload(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let options = UploadOptions::new().with_write(options(condition));
    let mut upload = store.start_upload(&key("a"), options).await?;
    upload.write(Bytes::from("new")).await?;
    Ok(Some(upload.finish().await?.revision))
}

async fn copy(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let options = CopyOptions::new().with_write(options(condition));
    Ok(Some(store.copy(&key("source"), &key("a"), options).await?.revision))
}

async fn delete(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let mut options = DeleteOptions::new();
    options.condition = condition;
    store.delete(&key("a"), options).await.map(|_| None)
}

async fn batch(store: &Retries, condition: Option<Condition>) -> Result<Option<Revision>> {
    let mut options = DeleteOptions::new();
    options.condition = condition;
    let items = vec![DeleteItem::new(key("absent")), DeleteItem::new(key("a")).with_options(options)];
    let mut results = store.delete_many(items).await;
    assert_eq!(results.len(), 2);
    results.pop().unwrap().map(|_| None)
}

async fn increment(store: &Retries) -> Result<Option<Revision>> {
    loop {
        let (meta, bytes) = store.get_bytes(&key("a"), 10).await?;
        let count: u32 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
        let options = options(Some(Condition::Matches(meta.revision)));
        match store.put(&key("a"), (count + 1).to_string().into(), options).await {
            Ok(written) => return Ok(Some(written.revision)),
            Err(error) if error.is_condition_failed() && *error.effect() == Effect::NotApplied => {}
            Err(error) => return Err(error),
        }
    }
}

/// Runs a case with these faults, and checks what is told against what the store holds. Returns how many calls there
/// were, and how many faults struck.
async fn play(case: Case, script: Vec<(usize, Fault)>) -> (usize, usize) {
    let memory = MemoryStore::new();
    memory.put_bytes(&key("source"), "new").await.unwrap();
    let mut at = None;
    if case.is_taken() {
        at = Some(memory.put_bytes(&key("a"), case.before()).await.unwrap().revision);
    }
    let (faulty, timer) = (Faulty::new(memory.clone(), script.clone()), Hurry::default());
    let store = stack(faulty.clone(), &timer);
    let result = case.run(&store, at.clone()).await;

    let say = format!("{case:?} with {script:?}, seed {SEED}: {result:?}");
    let now = memory.get_bytes(&key("a"), 100).await.ok();
    let (revision, held) = now.map_or((None, None), |(meta, bytes)| (Some(meta.revision), Some(bytes)));
    let done = match case {
        C::DeleteAbsent => false, // there is nothing to be done
        _ => held.as_deref() == case.wanted().map(str::as_bytes) && revision != at,
    };
    let log = faulty.log();
    let looked_in_vain = log.struck.iter().any(|(_, what)| *what == "head");
    match &result {
        Ok(told) => {
            assert!(done || case == C::DeleteAbsent, "{say}");
            assert!(told.is_none() || *told == revision, "{say}: at {revision:?}");
            assert_eq!(case.refusal(), None, "{say}");
        }
        Err(error) => {
            match error.effect() {
                Effect::NotApplied => assert!(!done, "{say}"),
                Effect::Applied(_) => assert!(done, "{say}"),
                // A replaced object cannot be told from one that was replaced in turn.
                Effect::Unknown => {
                    let stale = matches!(case, C::ReplaceStale | C::DeleteAtStale);
                    assert!(looked_in_vain || stale, "{say}");
                }
            }
            let expired = log.struck.iter().any(|(fault, _)| *fault == Fault::Expired);
            assert!(expired || case.refusal() == Some(error.kind()), "{say}");
        }
    }
    // What may be sent again without a look, or after one in vain, is done again.
    let again = match case {
        C::Put | C::Upload | C::Copy => looked_in_vain,
        C::Delete | C::DeleteAbsent | C::BatchDelete => true,
        _ => false,
    };
    let writes = if again { 3 } else { 1 };
    assert!(log.changes <= writes, "{say}: changed {} times", log.changes);
    assert!(log.calls < 40, "{say}: {} calls", log.calls);
    let asked = log.struck.iter().filter(|(fault, _)| matches!(fault, Fault::Busy429 | Fault::Busy503)).count();
    let waits = timer.waits();
    let obeyed = waits.iter().filter(|wait| **wait >= Fault::RETRY_AFTER).count();
    assert!(result.is_err() || obeyed >= asked, "{say}: waited {waits:?}");
    (log.calls, log.struck.len())
}

#[tokio::test]
async fn a_fault_at_each_request_is_told_for_what_it_did() {
    let mut played = 0;
    for case in Case::ALL {
        let (calls, _) = play(*case, Vec::new()).await;
        for fault in Fault::ALL {
            for at in 0..calls {
                played += play(*case, vec![(at, *fault)]).await.1;
            }
        }
    }
    assert!(played >= 250, "only {played} faults struck");
}

#[tokio::test]
async fn two_faults_are_told_for_what_they_did() {
    let mut played = 0;
    for case in Case::ALL {
        for first in Fault::ALL {
            let (most, _) = play(*case, vec![(0, *first)]).await;
            for second in Fault::ALL {
                for (a, b) in (0..=most).flat_map(|a| (a + 1..=most + 2).map(move |b| (a, b))) {
                    let (_, struck) = play(*case, vec![(a, *first), (b, *second)]).await;
                    played += usize::from(struck == 2);
                }
            }
        }
    }
    assert!(played >= 3500, "only {played} pairs struck");
}

/// Faults that are passing, at about one call of so many.
fn storm(seed: u64, every: u64) -> Vec<(usize, Fault)> {
    let random = SeededRandom::new(seed);
    let faults = [Fault::Refused, Fault::NotDelivered, Fault::ReplyLost, Fault::Error500Done, Fault::Conflict];
    let strikes = (0..5000).filter(|_| random.next().is_multiple_of(every));
    strikes.map(|at| (at, faults[random.next() as usize % faults.len()])).collect()
}

fn contender(faulty: &Faulty, seed: u64) -> Retries {
    let policy = RetryPolicy::new().with_max_attempts(30).with_max_elapsed(Duration::from_secs(100_000));
    let rule = RetryLoop::new().with_policy(policy).with_timer(Arc::new(Hurry::default()));
    let rule = rule.with_budget(Arc::new(RetryBudget::new(10_000))).with_random(Arc::new(SeededRandom::new(seed)));
    Retries::new(Arc::new(faulty.clone())).with_loop(rule)
}

#[tokio::test]
async fn of_24_creators_in_a_storm_one_wins() {
    for seed in 0..50 {
        let faulty = Faulty::new(MemoryStore::new(), storm(seed, 4)).with_turns();
        let stores: Vec<_> = (0..24).map(|writer| contender(&faulty, seed * 100 + writer)).collect();
        let (a, faulty) = (key("a"), &faulty);
        let writers = stores.iter().enumerate().map(|(writer, store)| store.create(&a, writer.to_string()));
        let results = join_all(writers).await;
        let winners: Vec<_> = (0..24).filter(|writer| results[*writer].is_ok()).collect();
        assert_eq!(winners.len(), 1, "seed {seed}: {results:?}");
        assert_eq!(faulty.inner.get_bytes(&a, 10).await.unwrap().1, winners[0].to_string(), "seed {seed}");
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied), "seed {seed}");
        }
        assert_eq!(faulty.log().changes, 1, "seed {seed}");
    }
}

#[tokio::test]
async fn of_120_increments_in_a_storm_none_is_lost_or_made_twice() {
    let mut unclear = 0;
    for seed in 0..20 {
        let faulty = Faulty::new(MemoryStore::new(), storm(seed, 20)).with_turns();
        faulty.inner.put_bytes(&key("a"), "0").await.unwrap();
        let stores: Vec<_> = (0..8).map(|writer| contender(&faulty, seed * 100 + writer)).collect();
        let told = join_all(stores.iter().map(|store| async move {
            let (mut made, mut unclear) = (0, 0);
            for _ in 0..15 {
                match increment(store).await {
                    Ok(_) => made += 1,
                    Err(error) => {
                        assert_eq!(error.effect(), &Effect::Unknown, "seed {seed}: {error:?}");
                        unclear += 1;
                    }
                }
            }
            (made, unclear)
        }))
        .await;
        let (made, doubtful) = told.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        let counter = faulty.inner.get_bytes(&key("a"), 10).await.unwrap().1;
        let counter: u32 = std::str::from_utf8(&counter).unwrap().parse().unwrap();
        assert!((made..=made + doubtful).contains(&counter), "seed {seed}: {counter} of {made} and {doubtful}");
        unclear += doubtful;
    }
    // Ours may have been made and replaced in turn: while others are this fast, that cannot be told.
    assert!(unclear < 20 * 120 / 4, "{unclear} increments were left in doubt");
}

/// The test of the test: retries that send again without a look are found out by the same check.
#[tokio::test]
async fn blind_retries_would_be_found_out() {
    let memory = MemoryStore::new();
    let faulty = Faulty::new(memory.clone(), vec![(0, Fault::ReplyLost)]);
    let rule = RetryLoop::new().with_timer(Arc::new(Hurry::default()));
    let (a, put) = (key("a"), options(Some(Condition::Absent)));
    let blind = rule.run_idempotent(|| faulty.put(&a, "new".into(), put.clone()));
    let error = blind.await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    assert!(memory.exists(&a).await.unwrap(), "told not applied, and it was");
}

#[tokio::test]
async fn another_writers_object_is_never_ours() {
    // The reply is lost, and somebody else's object is there: ours was never written.
    let memory = MemoryStore::new();
    memory.create(&key("a"), "theirs").await.unwrap();
    let store = stack(Faulty::new(memory.clone(), vec![(0, Fault::ReplyLost)]), &Hurry::default());
    let error = write(&store, Some(Condition::Absent)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::AlreadyExists, &Effect::NotApplied));
    // With equal bytes too.
    let memory = MemoryStore::new();
    let theirs = WriteOptions::new().with_token(WriteToken::new("theirs"));
    memory.put(&key("a"), "new".into(), theirs).await.unwrap();
    let store = stack(Faulty::new(memory, vec![(0, Fault::NotDelivered)]), &Hurry::default());
    assert_eq!(write(&store, Some(Condition::Absent)).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn without_a_token_what_cannot_be_told_stays_unknown() {
    for (fault, applied) in [(Fault::ReplyLost, true), (Fault::NotDelivered, false)] {
        let memory = MemoryStore::new();
        let store = stack(Faulty::new(memory.clone(), vec![(0, fault)]), &Hurry::default()).without_tokens();
        let result = write(&store, Some(Condition::Absent)).await;
        assert_eq!(memory.head(&key("a"), ReadOptions::new()).await.unwrap().token, None);
        match result {
            Ok(_) => assert!(!applied, "an absent object is created by the second attempt"),
            Err(error) => assert!(applied && *error.effect() == Effect::Unknown, "{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_callers_token_is_kept() {
    let memory = MemoryStore::new();
    let store = stack(Faulty::new(memory.clone(), vec![(0, Fault::ReplyLost)]), &Hurry::default());
    let mine = WriteOptions::new().with_token(WriteToken::new("mine")).with_condition(Condition::Absent);
    let written = store.put(&key("a"), "new".into(), mine).await.unwrap();
    let head = memory.head(&key("a"), ReadOptions::new()).await.unwrap();
    assert_eq!((head.token, head.revision), (Some(WriteToken::new("mine")), written.revision));
    assert!(written.checksums.crc32c.is_some());
}

#[tokio::test]
async fn waits_grow_and_obey_the_store_and_end() {
    let every = |fault| (0..100).map(|at| (at, fault)).collect::<Vec<_>>();
    let timer = Hurry::default();
    let store = stack(Faulty::new(MemoryStore::new(), every(Fault::Refused)), &timer);
    let error = store.head(&key("a"), ReadOptions::new()).await.unwrap_err();
    assert_eq!((error.attempts(), error.kind()), (8, ErrorKind::Transport));
    let waits = timer.waits();
    assert_eq!(waits.len(), 7);
    for (attempt, wait) in (0..).zip(&waits) {
        assert!(*wait <= Duration::from_millis(100) * 2_u32.pow(attempt), "{waits:?}, seed {SEED}");
    }
    assert!(waits.iter().any(|wait| *wait > Duration::from_millis(300)), "{waits:?}, seed {SEED}");

    // No wait is begun that would end after all time is over.
    let timer = Hurry::default();
    let rule = RetryLoop::new()
        .with_policy(
            RetryPolicy::new().with_max_elapsed(Duration::from_secs(7)).with_delays(Duration::ZERO, Duration::ZERO),
        )
        .with_timer(Arc::new(timer.clone()));
    let store = Retries::new(Arc::new(Faulty::new(MemoryStore::new(), every(Fault::Busy503)))).with_loop(rule);
    let error = store.head(&key("a"), ReadOptions::new()).await.unwrap_err();
    assert_eq!((error.attempts(), timer.waits()), (3, vec![Fault::RETRY_AFTER; 2]));
    assert_eq!(error.retry(), Retry::After(Fault::RETRY_AFTER), "the caller may go on from there");
}

#[tokio::test]
async fn a_storm_is_damped_for_all_who_share_the_budget() {
    let every: Vec<_> = (0..200).map(|at| (at, Fault::Refused)).collect();
    let faulty = Faulty::new(MemoryStore::new(), every);
    let budget = Arc::new(RetryBudget::new(10));
    let rule = RetryLoop::new().with_timer(Arc::new(Hurry::default())).with_budget(Arc::clone(&budget));
    for _ in 0..20 {
        let store = Retries::new(Arc::new(faulty.clone())).with_loop(rule.clone());
        store.head(&key("a"), ReadOptions::new()).await.unwrap_err();
    }
    assert_eq!((budget.left(), faulty.log().calls), (0, 30), "20 first attempts and 10 more");
    let well = Retries::new(Arc::new(MemoryStore::new())).with_loop(rule);
    for _ in 0..35 {
        well.put_bytes(&key("a"), "x").await.unwrap();
    }
    assert_eq!(budget.left(), 3, "a tenth of the successes");
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    let body: Vec<u8> = (0..1000_u32).map(|index| (index % 251) as u8).collect();
    for fault in [Fault::ResetBody, Fault::ShortBody, Fault::StalledBody] {
        for range in [None, Some(100..900)] {
            let memory = MemoryStore::new();
            memory.put_bytes(&key("a"), body.clone()).await.unwrap();
            let faulty = Faulty::new(memory, vec![(0, fault), (1, Fault::Refused), (2, fault), (3, fault)]);
            let store = stack(faulty.clone(), &Hurry::default());
            let get = store.get(&key("a"), range.clone(), ReadOptions::new()).await.unwrap();
            let range = range.unwrap_or(0..1000);
            assert_eq!(get.range, range);
            let bytes: Vec<Bytes> = get.body.try_collect().await.unwrap();
            assert_eq!(bytes.concat(), body[range.start as usize..range.end as usize], "{fault:?}");
            assert_eq!(faulty.log().calls, 5);
        }
    }
}

#[tokio::test]
async fn a_download_never_joins_two_states() {
    let faulty = Faulty::new(MemoryStore::new(), vec![(0, Fault::ResetBody)]);
    faulty.inner.put_bytes(&key("a"), "old old old").await.unwrap();
    let store = stack(faulty.clone(), &Hurry::default());
    let mut get = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    assert_eq!(get.body.try_next().await.unwrap().unwrap(), "old o");
    faulty.inner.put_bytes(&key("a"), "new new new").await.unwrap();
    let error = get.body.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert!(error.to_string().contains("changed while it was being read"), "{error}");
    assert!(get.body.try_next().await.unwrap().is_none(), "it has ended");
}

#[tokio::test]
async fn a_download_that_always_breaks_ends() {
    let faulty = Faulty::new(MemoryStore::new(), (0..100).map(|at| (at, Fault::ResetBody)).collect());
    faulty.inner.put_bytes(&key("a"), vec![7; 1 << 20]).await.unwrap();
    let store = stack(faulty.clone(), &Hurry::default());
    let get = store.get(&key("a"), None, ReadOptions::new()).await.unwrap();
    let error = get.body.try_collect::<Vec<Bytes>>().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), faulty.log().calls), (ErrorKind::Transport, 8, 8));
}

#[tokio::test]
async fn a_digest_that_is_wrong_at_the_end_is_not_passed_over() {
    for layered in [true, false] {
        let faulty = Faulty::new(MemoryStore::new(), vec![(0, Fault::BadDigest)]);
        faulty.inner.put_bytes(&key("a"), "hello").await.unwrap();
        let result = match layered {
            true => stack(faulty, &Hurry::default()).get_bytes(&key("a"), 10).await,
            false => faulty.get_bytes(&key("a"), 10).await,
        };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Integrity);
    }
}

#[tokio::test]
async fn what_begins_anew_is_handed_to_the_caller() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let rule = RetryLoop::new().with_timer(Arc::new(Hurry::default()));
    let lost = rule.run_idempotent(|| async {
        asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err::<(), _>(Error::new(ErrorKind::Conflict).with_retry(Retry::FromStart))
    });
    let error = lost.await.unwrap_err();
    assert_eq!((error.retry(), asked.into_inner()), (Retry::FromStart, 1));
}

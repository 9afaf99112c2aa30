//! A fault at each request, single and in pairs: the effect told is the effect made, nothing is made twice, and nothing
//! hangs.

use objstore_core::{
    Condition, Effect, ErrorKind, MemoryStore, ObjectStoreExt as _, Result, Revision, layers::Retries,
};

use crate::{
    calls::{SEED, batch, copy, delete, increment, key, stack, upload, write},
    faulty::{Fault, Faulty, Hurry},
};

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

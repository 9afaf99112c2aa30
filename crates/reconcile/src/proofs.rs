//! What must not compile, each beside a twin that does and differs in one line. Seen by `cargo test --doc` only.

/// One claim: the first text compiles behind the prelude, the second does not.
macro_rules! proof {
    ($claim:ident, $code:literal, compiles: $good:literal, fails: $bad:literal $(,)?) => {
        #[doc = concat!("```\n", prelude!(), $good, "\n# });\n```\n")]
        #[doc = concat!("```compile_fail,", $code, "\n", prelude!(), $bad, "\n# });\n```\n")]
        struct $claim;
    };
}

/// An SVM that is there, and an account that needs it.
macro_rules! prelude {
    () => {
        r#"
use reconcile::{Change, Gone, Observe, Observed, Pass, Removal, Remove, Seen, Step, StepError, StepId};
#[derive(Clone)]
struct Info { uuid: u32 }
struct Svm;
struct Account<'p> { svm: &'p Seen<'p, Info> }
struct Empty<'p> { account: &'p Gone<'p, Info> }
macro_rules! observe { ($step:ty, $id:literal, $answer:ident) => {
    impl Observe for $step {
        type Out = Info; type Read = ();
        fn id(&self) -> StepId { $id.into() }
        async fn observe(&self, _: &()) -> Result<Observed<Info>, StepError> { Ok(observed!($answer)) }
    }
    impl Step for $step {
        type Write = ();
        async fn apply(&self, _: &(), _: Change<'_, Info>) -> Result<(), StepError> { Ok(()) }
    }
} }
macro_rules! observed { (Ready) => { Observed::Ready(Info { uuid: 1 }) }; (Absent) => { Observed::Absent } }
observe!(Svm, "svm", Ready);
observe!(Account<'_>, "account", Absent);
struct Old;
observe!(Old, "old", Absent);
impl Remove for Old {
    type Write = ();
    async fn remove(&self, _: &(), _: &Info) -> Result<(), StepError> { Ok(()) }
}
futures::executor::block_on(async {
let pass = Pass::new("storage", ["svm", "account"]);
let removal = Removal::new("storage", ["old"]);
"#
    };
}

proof!(
    ASeenIsUsedWithinItsPass,
    "E0505",
    compiles: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let uuid = svm.uuid; let _ = pass.finish();",
    fails: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let _ = pass.finish(); let uuid = svm.uuid;",
);

proof!(
    ASeenCannotBeKeptForTheNextPass,
    "E0597",
    compiles: "let kept; { let pass = Pass::new(\"storage\", [\"svm\"]); kept = pass.step(&Svm, &(), &()).await.unwrap().uuid; } let _ = kept;",
    fails: "let kept; { let pass = Pass::new(\"storage\", [\"svm\"]); kept = pass.step(&Svm, &(), &()).await.unwrap(); } let _ = kept.uuid;",
);

proof!(
    ADependentStepIsBuiltFromWhatWasSeen,
    "E0063",
    compiles: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let account = Account { svm: &svm };",
    fails: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let account = Account { };",
);

proof!(
    AValueIsNoProof,
    "E0308",
    compiles: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let account = Account { svm: &svm };",
    fails: "let svm = Info { uuid: 1 }; let account = Account { svm: &svm };",
);

proof!(
    AnAnswerThatMayBeMissingIsNoProof,
    "E0308",
    compiles: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let account = Account { svm: &svm };",
    fails: "let svm = pass.step(&Svm, &(), &()).await; let account = Account { svm: &svm };",
);

proof!(
    ACopyIsNoProof,
    "E0308",
    compiles: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let account = Account { svm: &svm };",
    fails: "let svm = pass.step(&Svm, &(), &()).await.unwrap().clone(); let account = Account { svm: &svm };",
);

proof!(
    NobodyElseMakesAProof,
    "E0624",
    compiles: "let svm: Seen<'_, Info> = pass.step(&Svm, &(), &()).await.unwrap();",
    fails: "let svm: Seen<'_, Info> = Seen::new(Info { uuid: 1 });",
);

proof!(
    WhatGoesLaterIsBuiltFromWhatIsGone,
    "E0308",
    compiles: "let gone = removal.remove(&Old, &(), &()).await.unwrap(); let empty = Empty { account: &gone };",
    fails: "let gone = removal.remove(&Old, &(), &()).await; let empty = Empty { account: &gone };",
);

proof!(
    WhatWasSeenIsNotGone,
    "E0308",
    compiles: "let gone = removal.remove(&Old, &(), &()).await.unwrap(); let empty = Empty { account: &gone };",
    fails: "let gone = pass.step(&Svm, &(), &()).await.unwrap(); let empty = Empty { account: &gone };",
);

proof!(
    WhatARemovalFoundIsNoProofForAStep,
    "E0308",
    compiles: "let svm = pass.step(&Svm, &(), &()).await.unwrap(); let account = Account { svm: &svm };",
    fails: "let Some(reconcile::Found::Here(svm)) = removal.read(&Svm, &()).await else { return }; let account = Account { svm: &svm };",
);

proof!(
    WhatIsNotedWasSeenToLogIn,
    "E0308",
    compiles: "let noted = |login: &Seen<'_, reconcile::Login>| { reconcile::Verified::new(login); };",
    fails: "let noted = |login: &reconcile::Login| { reconcile::Verified::new(login); };",
);

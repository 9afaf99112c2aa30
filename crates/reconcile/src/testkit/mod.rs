//! The kit that crashes a controller at every await.
//!
//! A controller is a pass that is run again and again until the world is as it should be. The kit runs it in a model of
//! that world, thousands of times: it drops the future after every poll, loses answers, refuses calls, lets two
//! controllers run at once, and then looks whether the passes that follow repair what was left. It works on any async
//! closure, not only on flows of this crate.
//!
//! ```
//! use std::cell::RefCell;
//! use reconcile::testkit::{Call, Fault, Faults, Kit, Reason};
//!
//! /// What survives a crash: a cloud with names in it.
//! type World = RefCell<Vec<&'static str>>;
//!
//! const LIST: Call = Call::read("GET /names");
//! const CREATE: Call = Call::write("POST /names");
//!
//! /// One pass. Every call goes through the handle; what is returned says whether the goal is reached.
//! async fn pass(world: &World, faults: Faults) -> Result<bool, Fault> {
//!     let seen = faults.call(LIST, || world.borrow().clone()).await?;
//!     for name in ["svm", "secret"] {
//!         if !seen.contains(&name) {
//!             faults.call(CREATE, || world.borrow_mut().push(name)).await?;
//!         }
//!     }
//!     Ok(seen.len() == 2)
//! }
//!
//! fn kit<'k>(pass: impl AsyncFn(&World, Faults) -> Result<bool, Fault> + 'k) -> Kit<'k, World> {
//!     Kit::new(World::default, pass)
//!         .with_safety(|world| (world.borrow().len() <= 2).then_some(()).ok_or("a name is there twice".into()))
//!         .with_goal(|world| (world.borrow().len() == 2).then_some(()).ok_or("a name is missing".into()))
//!         .with_end_state(|world| world.borrow().clone())
//! }
//!
//! let report = kit(pass).explore();
//! report.assert_clean();
//! println!("{report}");
//!
//! // The incident: that the SVM exists is taken as a sign that its secret does.
//! let report = kit(async |world: &World, faults: Faults| {
//!     if faults.call(LIST, || world.borrow().contains(&"svm")).await? {
//!         return Ok(true);
//!     }
//!     faults.call(CREATE, || world.borrow_mut().push("svm")).await?;
//!     faults.call(CREATE, || world.borrow_mut().push("secret")).await?;
//!     Ok(true)
//! })
//! .explore();
//! report.assert_finds(Reason::Dishonest, "a name is missing");
//! ```
//!
//! # What you give
//! - **A world**: what survives a crash. Each history gets a fresh one. Doubles of services, with their habits.
//! - **A pass**: an async closure over the world and its [`Faults`]. A double puts each call through
//!   [`Faults::call`], which says what it is ([`Call`]), yields before and after its effect, and decides its fate.
//!   With the feature `objstore` there are doubles to take: `FaultyStore` and `FaultyDisk`.
//! - **Oracles**: [safety](Kit::with_safety) after every poll, the [goal](Kit::with_goal) whenever a pass claims to be
//!   ready, the [end state](Kit::with_end_state) beside that of a history without faults, [secrets](Kit::with_secrets)
//!   that must never show. Convergence and quietness need nothing from you, a panic is a finding (an oracle's too).
//!
//! # What is explored
//! 1. The clean history: passes until one claims to be ready, then one that must write nothing.
//! 2. Every single fault: a crash after each poll, and at each call what makes sense for it. A call that is never answered
//!    is among them where the pass sleeps, or where [it must have timeouts](Kit::with_timeouts_required).
//! 3. [Pairs](Kit::with_pairs): the second fault at every point of what followed the first.
//! 4. [Drawn sequences](Kit::with_random) of faults, [events](Kit::with_event) and
//!    [jumps of the clock](Kit::with_clock_jumps), made smaller when they are bad.
//! 5. [Races](Kit::with_races): two controllers, one of which may sleep in the middle of a pass while the other works.
//!
//! Each history is one line of text, a [`Plan`]; a finding prints the line, and [`Kit::replay`] runs it again and shows
//! every call. A history depends on the kit and that line only: no real time, no randomness, nothing global.
//!
//! # What it cannot see
//! It crashes at awaits and calls, not between two instructions. What a pass does to the world past the seam cannot be
//! lost. Where other threads work for the pass ([`Kit::with_threads`]), it crashes at calls only, and timeouts cannot be
//! tested. Races, drawn sequences and required timeouts are explored only when asked for; one pass must be quiet unless
//! [more](Kit::with_quiet_passes) are asked for, and what is restless more rarely than that is not found.

mod agenda;
mod call;
mod claim;
mod clock;
#[cfg(feature = "objstore")]
mod disk;
mod exec;
mod explore;
mod faults;
mod history;
mod kit;
mod plan;
mod race;
mod random;
mod replay;
mod report;
mod rng;
mod runner;
mod shrink;
mod state;
#[cfg(feature = "objstore")]
mod store;
mod streak;
mod versions;

pub use call::{Call, Fault, Twist};
pub use claim::{Claim, Returned};
#[cfg(feature = "objstore")]
pub use disk::FaultyDisk;
pub use exec::block_on;
pub use faults::Faults;
pub use kit::{Kit, Pairs};
pub use plan::{At, Item, Plan, PlanError, What};
pub use replay::Replay;
pub use report::{Finding, Findings, Reason, Report};
#[cfg(feature = "objstore")]
pub use store::FaultyStore;
pub use versions::Versions;

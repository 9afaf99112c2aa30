//! A flow that gives a project its storage on NetApp ONTAP, what it was before it could be trusted, and what it is tried
//! against. The README says which file to read first.

#![expect(clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "not published: nobody's code can break")]

// The flow, and its ancestors.
pub mod flow;
pub mod historic;

// The way to the world.
pub mod client;
pub mod errors;
pub mod journal;
pub mod wire;

// The world.
pub mod ontap;
pub mod secrets;
pub mod world;

// How the flow is judged.
mod bench;
pub use bench::{Figures, bench};
pub mod mutants;
pub mod oracle;
pub mod scenario;
pub mod site;

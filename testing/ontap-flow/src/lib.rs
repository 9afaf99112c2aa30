//! A flow that gives a project its storage on NetApp ONTAP, under a double of the ONTAP REST API.

#![expect(clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "not published: nobody's code can break")]

pub mod bench;
pub mod client;
pub mod errors;
pub mod flow;
pub mod historic;
pub mod journal;
pub mod mutants;
pub mod ontap;
pub mod oracle;
pub mod scenario;
pub mod secrets;
pub mod site;
pub mod wire;
pub mod world;

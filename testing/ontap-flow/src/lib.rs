//! A flow that gives a project its storage on NetApp ONTAP, under a double of the ONTAP REST API.

#![expect(clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "not published: nobody's code can break")]

pub mod ontap;
pub mod secrets;

//! One file for each command: arguments in, library called, result out.

pub(crate) mod conformance;
pub(crate) mod cp;
pub(crate) mod ls;
pub(crate) mod probe;
pub(crate) mod rm;
pub(crate) mod sign;
pub(crate) mod stat;
pub(crate) mod sweep;

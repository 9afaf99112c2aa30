//! One file for each command: arguments in, library called, result out.

pub(crate) mod list;
mod live;
pub(crate) mod restore;
pub(crate) mod save;
mod signal;
pub(crate) mod status;
pub(crate) mod verify;

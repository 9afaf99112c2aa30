//! Passwords, and the rules that ONTAP has for them.

use std::fmt;
use std::sync::Arc;

use super::code::Code;

/// A password on its way to ONTAP. `Debug` does not show it, and it has no `Display`.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub struct Password(Arc<str>);

impl Password {
    /// Takes it.
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The characters. The only way to them.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// ONTAP's default rules, and the three that speak of earlier passwords.
    pub(crate) fn check(&self, user: &str, earlier: &[Self], remembered: usize) -> Result<(), Code> {
        let text = self.expose();
        let letters = text.chars().any(char::is_alphabetic);
        let digits = text.chars().any(|c| c.is_ascii_digit());
        if text.contains(user) {
            return Err(Code::PASSWORD_HAS_USER);
        }
        if text.len() < 8 {
            return Err(Code::PASSWORD_TOO_SHORT);
        }
        if !letters || !digits {
            return Err(Code::PASSWORD_TOO_SIMPLE);
        }
        if text.len() > 128 {
            return Err(Code::PASSWORD_TOO_LONG);
        }
        if earlier.last() == Some(self) {
            return Err(Code::PASSWORD_SAME);
        }
        if earlier.iter().rev().take(remembered).any(|one| one == self) {
            return Err(Code::PASSWORD_USED_BEFORE);
        }
        Ok(())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

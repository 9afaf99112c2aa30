//! Values that do not show.

use std::fmt;

use zeroize::Zeroizing;

use crate::StepError;

/// A text that must not show: a password, a key, a token.
///
/// `Debug` and `Display` redact it, it cannot be serialised, and its memory is overwritten when it is dropped. The value is
/// had by [`expose`](Self::expose) only, so that a search for that word finds every use.
///
/// ```
/// use reconcile::Secret;
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret} {secret:?}"), "[redacted] Secret([redacted])");
/// assert_eq!(secret.expose(), "hunter2");
/// ```
///
/// ```compile_fail,E0277
/// fn into_a_status(value: impl serde::Serialize) {}
/// into_a_status(reconcile::Secret::new("hunter2"));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// What a [`Secret`] shows instead of itself.
const REDACTED: &str = "[redacted]";

impl Secret {
    /// Takes the value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// A fresh value of so many characters of the alphabet, each as likely as the other.
    ///
    /// ```
    /// use reconcile::{OsRandom, Secret};
    /// let password = Secret::generate(24, Secret::UNAMBIGUOUS, &OsRandom)?;
    /// assert_eq!(password.expose().len(), 24);
    /// # Ok::<(), reconcile::StepError>(())
    /// ```
    ///
    /// # Errors
    /// Those of the source; `empty-secret` if it would have no characters, `empty-alphabet` if there are none to choose from,
    /// `no-randomness` if the source gives nothing that can be used.
    pub fn generate(length: usize, alphabet: &str, random: &dyn Random) -> Result<Self, StepError> {
        if length == 0 {
            return Err(StepError::config("empty-secret"));
        }
        let alphabet: Vec<char> = alphabet.chars().collect();
        let mut value = Zeroizing::new(String::with_capacity(length.saturating_mul(4)));
        for _ in 0..length {
            value.push(pick(&alphabet, random)?);
        }
        Ok(Self(value))
    }

    /// Letters and digits without those that look alike: 54 characters, 5.75 bits each.
    pub const UNAMBIGUOUS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";

    /// The value.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn pick(alphabet: &[char], random: &dyn Random) -> Result<char, StepError> {
    let count = u32::try_from(alphabet.len()).ok().filter(|count| *count > 0);
    let count = count.ok_or(StepError::config("empty-alphabet"))?;
    // Numbers above the last whole multiple of `count` would favour the first characters.
    let limit = u32::MAX - u32::MAX % count;
    // Each draw is used with a probability of a half at least.
    for _ in 0..128 {
        let mut bytes = [0; 4];
        random.fill(&mut bytes)?;
        let number = u32::from_le_bytes(bytes);
        let found = (number % count) as usize;
        if let Some(character) = (number < limit).then_some(alphabet.get(found)).flatten() {
            return Ok(*character);
        }
    }
    Err(StepError::transient("no-randomness"))
}

/// Compares without stopping at the first difference; lengths show.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({REDACTED})")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Where randomness comes from, as a component, so that tests can repeat it.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills the bytes with randomness.
    ///
    /// # Errors
    /// If there is none; the bytes must not be used then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), StepError>;
}

/// The randomness of the operating system.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to configure")]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), StepError> {
        getrandom::fill(bytes).map_err(|_| StepError::transient("no-randomness"))
    }
}

//! The name of a step.

use std::{borrow::Cow, fmt};

/// The name of a step, once in each pass: `svm`, `lif/0`.
///
/// It shows in reports, events and conditions: name the step, not the object, and never put a value into it.
///
/// ```
/// use reconcile::StepId;
/// const SVM: StepId = StepId::new("svm");
/// assert_eq!(SVM, "svm".into());
/// assert_eq!(StepId::indexed("lif", 0).as_str(), "lif/0");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(Cow<'static, str>);

impl StepId {
    /// A name that is known when the program is written.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// One of several alike: `name/index`.
    #[must_use]
    pub fn indexed(name: &str, index: usize) -> Self {
        Self(Cow::Owned(format!("{name}/{index}")))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for StepId {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

impl From<String> for StepId {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

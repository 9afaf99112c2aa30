//! ONTAP's error codes, as far as a flow meets them.

use std::fmt;

/// A code of ONTAP's. On the wire it is a string of digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code(u32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $status:literal, $message:literal;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// The HTTP status that it comes with.
            pub fn status(self) -> u16 {
                match self.0 { $($number => $status,)* _ => 500 }
            }

            /// What ONTAP writes beside it. For people: programs go by the code.
            pub fn message(self) -> &'static str {
                match self.0 { $($number => $message,)* _ => "internal error" }
            }
        }
    };
}

codes! {
    /// Not a code of ONTAP's: nothing answers at this address, so there is no answer to have one.
    UNREACHABLE = 0, 0, "nothing answers at this address";
    /// The same name is there already.
    DUPLICATE = 1, 409, "duplicate entry";
    /// A field cannot have this value.
    BAD_FIELD = 2, 400, "invalid value for field";
    /// No such thing, or none any more.
    NOT_THERE = 4, 404, "entry doesn't exist";
    /// Two interfaces would have one address.
    DUPLICATE_ADDRESS = 1_376_963, 409, "duplicate IP address";
    /// The SVM has an interface of this name.
    LIF_EXISTS = 1_966_140, 409, "a LIF with the same name already exists";
    /// The creation failed half-way: look at what is there.
    LIF_INCONSISTENT = 1_967_102, 500, "POST might have left the configuration in an inconsistent state";
    /// No port of the node can reach the subnet.
    LIF_NO_PORT = 1_967_153, 400, "no suitable port exists on this node to host the LIF";
    /// No port in the broadcast domain.
    LIF_NO_DOMAIN_PORT = 1_967_154, 400, "no suitable port exists in the broadcast domain to host the LIF";
    /// A virtual address (BGP) with a port.
    LIF_VIP_PORT = 1_967_384, 400, "VIP interfaces cannot have a home port";
    /// A virtual address (BGP) with a failover rule.
    LIF_VIP_RULES = 1_967_385, 400, "VIP interfaces cannot have this failover setting";
    /// The login was refused. ONTAP does not say whether by name or by password.
    NOT_AUTHORIZED = 6_691_623, 401, "user is not authorized";
    /// The password has the user's name in it.
    PASSWORD_HAS_USER = 7_077_918, 400, "the password cannot contain the username";
    /// Less than 8 characters.
    PASSWORD_TOO_SHORT = 7_077_919, 400, "the minimum length for a new password does not meet the policy";
    /// Letters without digits, or the reverse.
    PASSWORD_TOO_SIMPLE = 7_077_920, 400, "a new password must contain both letters and numbers";
    /// Too few special characters.
    PASSWORD_TOO_PLAIN = 7_077_921, 400, "the new password has too few special characters";
    /// One of the last passwords.
    PASSWORD_USED_BEFORE = 7_077_924, 400, "the new password must be different from the last passwords";
    /// The password that it is now.
    PASSWORD_SAME = 7_077_925, 400, "the new password must be different from the old password";
    /// More than 128 characters.
    PASSWORD_TOO_LONG = 7_077_940, 400, "the password exceeds the maximum supported length";
    /// The job could not be made. Nothing is said of why.
    SVM_CREATE_FAILED = 13_434_889, 500, "SVM creation failed with an internal error";
    /// Too many SVM jobs at once.
    TOO_MANY_JOBS = 13_434_894, 409, "maximum allowed SVM jobs exceeded";
    /// An SVM of this name is there, running or not.
    SVM_NAME_IN_USE = 13_434_908, 409, "the SVM name is already used by another SVM";
    /// More than 47 characters.
    SVM_NAME_TOO_LONG = 13_434_911, 400, "the SVM name is too long";
    /// The job failed. Nothing is said of why.
    SVM_JOB_FAILED = 13_434_913, 500, "the SVM job failed with an internal error";
    /// The job found no room.
    NO_SPACE = 13_434_914, 500, "no space for the root volume";
    /// A job of this SVM runs.
    SVM_BUSY = 13_434_915, 409, "a job that creates, changes or deletes this SVM is running";
    /// This very name is being created.
    SVM_BEING_CREATED = 13_434_916, 409, "the SVM is in the process of being created";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

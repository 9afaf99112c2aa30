//! Percent escapes (RFC 3986, section 2.1).

use std::fmt;

/// Decodes every `%XX`, once. `None` for an escape that is cut off or no hexadecimal, or bytes that are not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Shows a text with `%`, white space and the characters of its second field escaped.
pub(super) struct Encoded<'a>(pub(super) &'a str, pub(super) &'static str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, also) = self;
        for c in text.chars() {
            if c == '%' || c.is_whitespace() || c.is_control() || also.contains(c) {
                c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

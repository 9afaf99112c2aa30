//! Checksums of pieces, joined: CRC-32C of `a ‖ b` from those of `a` and `b`.
//!
//! Appending `n` zero bytes multiplies a CRC, as a polynomial over GF(2), by `x^(8n)` modulo the CRC's polynomial. So
//! `crc(a ‖ b) = crc(a) · x^(8·len(b)) + crc(b)`; the inversions at the start and the end cancel out. The same method as
//! zlib's `crc32_combine`.

/// The Castagnoli polynomial, lowest power in the highest bit.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// The polynomial `1`.
const ONE: u32 = 1 << 31;
/// `x^(2^k)` for every bit of a length in bits (a u64 of bytes).
static POWERS: [u32; 67] = powers();

/// The CRC-32C of some bytes, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Crc {
    pub(crate) value: u32,
    pub(crate) len: u64,
}

impl Crc {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::default().append(bytes)
    }

    #[must_use]
    pub(crate) fn append(self, bytes: &[u8]) -> Self {
        Self { value: crc32c::crc32c_append(self.value, bytes), len: self.len.saturating_add(bytes.len() as u64) }
    }

    /// The checksum of these bytes followed by those.
    #[must_use]
    pub(crate) fn join(self, next: Self) -> Self {
        let value = multiply(power_of_bytes(next.len), self.value) ^ next.value;
        Self { value, len: self.len.saturating_add(next.len) }
    }
}

/// The product of two polynomials, reduced.
const fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    let mut bit = ONE;
    while bit != 0 {
        if a & bit != 0 {
            product ^= b;
            if a & (bit - 1) == 0 {
                break;
            }
        }
        bit >>= 1;
        b = if b & 1 == 0 { b >> 1 } else { (b >> 1) ^ POLYNOMIAL };
    }
    product
}

const fn powers() -> [u32; 67] {
    let mut table = [ONE >> 1; 67];
    let mut k = 1;
    while k < table.len() {
        table[k] = multiply(table[k - 1], table[k - 1]);
        k += 1;
    }
    table
}

/// `x^(8·len)`.
fn power_of_bytes(len: u64) -> u32 {
    let mut product = ONE;
    let mut rest = len;
    while rest != 0 {
        let power = POWERS.get(rest.trailing_zeros() as usize + 3).copied().unwrap_or(ONE);
        product = multiply(power, product);
        rest &= rest - 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn joining_equals_one_pass(bytes in proptest::collection::vec(any::<u8>(), 0..5000), cut in any::<prop::sample::Index>()) {
            let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(Crc::of(left).join(Crc::of(right)), Crc::of(&bytes));
        }

        #[test]
        fn joining_is_associative(parts in proptest::array::uniform3((any::<u32>(), any::<u32>()))) {
            let [a, b, c] = parts.map(|(value, len)| Crc { value, len: u64::from(len) << 20 });
            prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
        }
    }

    #[test]
    fn long_zeros_cost_nothing() {
        let gib = Crc { value: crc32c::crc32c(&[0; 1 << 20]), len: 1 << 20 };
        let joined = (0..10).fold(gib, |half, _| half.join(half));
        assert_eq!(joined.len, 1 << 30);
        assert_eq!(joined.value, crc32c::crc32c_combine(joined_half(gib), joined_half(gib), 1 << 29));
    }

    fn joined_half(piece: Crc) -> u32 {
        (0..9).fold(piece, |half, _| half.join(half)).value
    }
}

//! SigV4 by the book, and by nobody else's code: the server's verification is judged by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use objstore_core::{Clock as _, SystemClock};
use sha2::{Digest as _, Sha256};

/// A time as SigV4 writes it: `20130524T000000Z`.
pub(crate) fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

pub(crate) fn now() -> SystemTime {
    SystemClock.now()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

pub(crate) fn encode(text: &str, slash: bool) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || (slash && byte == b'/');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What signs.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) region: String,
}

impl Signer {
    fn scope(&self, stamp: &str) -> String {
        format!("{}/{}/s3/aws4_request", &stamp[..8], self.region)
    }

    pub(crate) fn credential(&self, stamp: &str) -> String {
        format!("{}/{}", self.access_key, self.scope(stamp))
    }

    /// The signature of a request; `query` is encoded and sorted, `headers` are lower case and sorted.
    pub(crate) fn sign(
        &self,
        (method, path, query): (&str, &str, &str),
        headers: &[(String, String)],
        payload: &str,
        stamp: &str,
    ) -> String {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let request = format!("{method}\n{path}\n{query}\n{lines}\n{}\n{payload}", names(headers));
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{}\n{}", self.scope(stamp), sha256(request.as_bytes()));
        let key = hmac(format!("AWS4{}", self.secret_key).as_bytes(), &stamp.as_bytes()[..8]);
        let key =
            [self.region.as_str(), "s3", "aws4_request"].iter().fold(key, |key, part| hmac(&key, part.as_bytes()));
        hex(&hmac(&key, text.as_bytes()))
    }

    /// The path and query of a signed URL.
    pub(crate) fn presign(&self, method: &str, host: &str, path: &str, life: Duration, at: SystemTime) -> String {
        let stamp = stamp(at);
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={stamp}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
            encode(&self.credential(&stamp), false),
            life.as_secs(),
        );
        let headers = [("host".to_owned(), host.to_owned())];
        let signature = self.sign((method, path, &query), &headers, "UNSIGNED-PAYLOAD", &stamp);
        format!("{path}?{query}&X-Amz-Signature={signature}")
    }
}

pub(crate) fn names(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";")
}

/// The example of AWS's documentation ("Authenticating Requests: Using Query Parameters").
#[test]
fn the_signer_signs_as_aws_does() {
    let signer = Signer {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        region: "us-east-1".to_owned(),
    };
    let at = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
    assert_eq!(stamp(at), "20130524T000000Z");
    let url = signer.presign("GET", "examplebucket.s3.amazonaws.com", "/test.txt", Duration::from_secs(86_400), at);
    assert!(url.ends_with("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"), "{url}");
}

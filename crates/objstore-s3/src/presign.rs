//! Signed URLs.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use objstore_core::{Error, ErrorKind, PresignMethod, PresignRequest, Presigned, Result};

use crate::{
    checksum::DigestHeaders,
    errors::{Failed, Service, of_read},
    profiles::MAX_LIFE,
    store::S3Store,
};

impl S3Store {
    /// A URL is good until the life asked for ends, or the credential that signed it: the earlier of both.
    pub(crate) async fn sign(&self, request: &PresignRequest) -> Result<Presigned> {
        if request.life < Duration::from_secs(1) || request.life > MAX_LIFE {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("a signed URL lives from 1 s to 7 days"));
        }
        let Some(keyring) = &self.shared.keyring else {
            return Err(Error::new(ErrorKind::Unauthenticated).with_detail("without credentials nothing can be signed"));
        };
        self.check_versions(request.version.is_some())?;
        let now = self.shared.clock.now();
        let ends = keyring.expiry().await?;
        let rest = ends.map(|ends| ends.duration_since(now).unwrap_or_default());
        // The signature counts whole seconds.
        let life = Duration::from_secs(rest.map_or(request.life, |rest| rest.min(request.life)).as_secs());
        if life.is_zero() {
            return Err(Error::new(ErrorKind::Unauthenticated).with_detail("the credentials have expired"));
        }
        let config = PresigningConfig::builder().start_time(now).expires_in(life).build();
        let config = config.map_err(|error| Error::new(ErrorKind::InvalidInput).with_source(error))?;
        let signed = self.sign_method(request, config).await?;
        let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Presigned::new(signed.uri(), headers, now.checked_add(life).unwrap_or(SystemTime::UNIX_EPOCH)))
    }

    async fn sign_method(&self, request: &PresignRequest, config: PresigningConfig) -> Result<PresignedRequest> {
        let (client, bucket, key) = (self.client(), self.bucket(), request.key.as_str());
        let version = request.version.as_ref().map(ToString::to_string);
        match request.method {
            PresignMethod::Get => {
                let get = client.get_object().bucket(bucket).key(key).set_version_id(version);
                signed(get.set_request_payer(self.payer()).presigned(config).await)
            }
            PresignMethod::Head => {
                let head = client.head_object().bucket(bucket).key(key).set_version_id(version);
                signed(head.set_request_payer(self.payer()).presigned(config).await)
            }
            PresignMethod::Delete => {
                let delete = client.delete_object().bucket(bucket).key(key).set_version_id(version);
                signed(delete.set_request_payer(self.payer()).presigned(config).await)
            }
            PresignMethod::Put => {
                let digests = DigestHeaders::of(&request.expect);
                let put = client
                    .put_object()
                    .bucket(bucket)
                    .key(key)
                    .set_checksum_crc32_c(digests.crc32c)
                    .set_checksum_sha256(digests.sha256)
                    .set_content_md5(digests.md5);
                signed(put.set_request_payer(self.payer()).presigned(config).await)
            }
            _ => Err(Error::new(ErrorKind::Unsupported).with_detail("this method is not known here")),
        }
    }
}

fn signed<E: Service>(signed: Result<PresignedRequest, Failed<E>>) -> Result<PresignedRequest> {
    signed.map_err(of_read)
}

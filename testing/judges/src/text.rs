//! How bytes stand in the JSON of etcd's gateway.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Keys and values in a request to [`EtcdServer::call`](crate::EtcdServer::call) are base64.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

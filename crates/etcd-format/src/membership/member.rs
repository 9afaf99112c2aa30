//! One member, as the `members` bucket and the log hold it.

use serde::Deserialize;

use super::{MemberId, MembershipError, PeerUrls, go_json, member_id};

/// A member of a cluster.
///
/// Its JSON form is the value in the `members` bucket (whose key is the id in hexadecimal, not padded), and the context
/// of the log entry that adds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    id: MemberId,
    name: String,
    peer_urls: Vec<String>,
    client_urls: Vec<String>,
    learner: bool,
}

impl Member {
    /// A voter of a new cluster, with the id that its URLs and the token give it.
    #[must_use]
    pub fn new(name: impl Into<String>, urls: &PeerUrls, token: &str) -> Self {
        Self {
            id: member_id(urls, token),
            name: name.into(),
            peer_urls: urls.as_slice().to_vec(),
            client_urls: Vec::new(),
            learner: false,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> MemberId {
        self.id
    }

    /// Its name. Empty for a member that was added and has never been started.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where other members reach it. As stored: not validated if read from a database.
    #[must_use]
    pub fn peer_urls(&self) -> &[String] {
        &self.peer_urls
    }

    /// Where clients reach it. Empty until it has told the cluster.
    #[must_use]
    pub fn client_urls(&self) -> &[String] {
        &self.client_urls
    }

    /// Whether it takes no part in votes yet.
    #[must_use]
    pub fn is_learner(&self) -> bool {
        self.learner
    }

    /// Its key in the `members` bucket.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        self.id.to_string().into_bytes()
    }

    /// The JSON that etcd writes for it, byte for byte.
    ///
    /// ```
    /// use etcd_format::membership::{Member, PeerUrls};
    ///
    /// let member = Member::new("a", &PeerUrls::parse("http://localhost:2380")?, "etcd-cluster");
    /// assert_eq!(
    ///     member.to_json(),
    ///     r#"{"id":10276657743932975437,"peerURLs":["http://localhost:2380"],"name":"a"}"#
    /// );
    /// # Ok::<(), etcd_format::membership::MembershipError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = format!("{{\"id\":{},\"peerURLs\":", self.id.get());
        go_json::push_strings(&mut json, &self.peer_urls);
        if self.learner {
            json.push_str(",\"isLearner\":true");
        }
        if !self.name.is_empty() {
            json.push_str(",\"name\":");
            go_json::push_string(&mut json, &self.name);
        }
        if !self.client_urls.is_empty() {
            json.push_str(",\"clientURLs\":");
            go_json::push_strings(&mut json, &self.client_urls);
        }
        json.push('}');
        json
    }

    /// The JSON of the attributes that raft needs, as the v2 store of a `.snap` file holds it.
    pub(crate) fn raft_attributes_json(&self) -> String {
        let mut json = "{\"peerURLs\":".to_owned();
        go_json::push_strings(&mut json, &self.peer_urls);
        if self.learner {
            json.push_str(",\"isLearner\":true");
        }
        json.push('}');
        json
    }

    /// Reads what etcd of any version wrote. Fields that are not known are passed over.
    ///
    /// # Errors
    ///
    /// [`MembershipError::Record`] if it is not such JSON.
    pub fn from_json(json: &[u8]) -> Result<Self, MembershipError> {
        let record: Record =
            serde_json::from_slice(json).map_err(|error| MembershipError::Record { reason: error.to_string() })?;
        Ok(Self {
            id: MemberId::new(record.id),
            name: record.name,
            peer_urls: record.peer_urls.unwrap_or_default(),
            client_urls: record.client_urls.unwrap_or_default(),
            learner: record.learner,
        })
    }
}

#[derive(Deserialize)]
struct Record {
    id: u64,
    #[serde(rename = "peerURLs")]
    peer_urls: Option<Vec<String>>,
    #[serde(rename = "isLearner", default)]
    learner: bool,
    #[serde(default)]
    name: String,
    #[serde(rename = "clientURLs")]
    client_urls: Option<Vec<String>>,
}

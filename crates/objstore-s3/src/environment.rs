//! What the environment says.

use std::path::PathBuf;

use objstore_core::Result;

use crate::builder::wrong;

/// The variables that AWS's tools agree on.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
    pub(crate) no_proxy: Option<String>,
}

impl Environment {
    pub(crate) fn from_env() -> Result<Self> {
        let proxy = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?;
        Ok(Self {
            endpoint: first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])?,
            region: first(&["AWS_REGION", "AWS_DEFAULT_REGION"])?,
            ca_file: first(&["AWS_CA_BUNDLE"])?.map(PathBuf::from),
            proxy: proxy.map(|proxy| if proxy.contains("://") { proxy } else { format!("http://{proxy}") }),
            no_proxy: first(&["NO_PROXY", "no_proxy"])?,
        })
    }
}

/// The first that is set and not empty.
fn first(names: &[&str]) -> Result<Option<String>> {
    for name in names {
        #[expect(clippy::disallowed_methods, reason = "the constructor that is named from_env")]
        match std::env::var(name) {
            Ok(value) if !value.is_empty() => return Ok(Some(value)),
            Err(std::env::VarError::NotUnicode(_)) => return Err(wrong(format!("{name} is not UTF-8"))),
            _ => {}
        }
    }
    Ok(None)
}

//! A loopback S3 server, and the program against it.

use std::process::{Command, Stdio};

use objstore_testkit::s3::{S3Server, S3ServerBuilder};
use tokio::runtime::Runtime;

use crate::program::program;

/// What the server's secret key is: it must be shown nowhere.
pub(crate) const SECRET: &str = "canary-of-a-secret-key";

pub(crate) struct Server {
    pub(crate) s3: S3Server,
    _runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> anyhow::Result<Self> {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(set: impl FnOnce(S3ServerBuilder) -> S3ServerBuilder) -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let credentials = objstore_testkit::s3::Credentials::new("AKIAPROGRAM", SECRET);
        let builder = set(S3Server::builder().with_bucket("plain")).with_credentials(credentials);
        let s3 = runtime.block_on(builder.start())?;
        Ok(Self { s3, _runtime: runtime })
    }

    /// The URL of a place or an object, as the documentation writes it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("s3://{path}?endpoint={}&region=us-east-1&path_style=true", self.s3.endpoint())
    }

    /// The program with credentials for this server.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.env("AWS_ACCESS_KEY_ID", "AKIAPROGRAM").env("AWS_SECRET_ACCESS_KEY", SECRET);
        command.stdin(Stdio::null());
        command
    }
}

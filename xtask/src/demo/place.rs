//! Where the demo stores its snapshot.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use serde_json::Value;

use crate::workspace;

/// The kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    File,
    S3,
}

/// A store, as long as this is kept.
pub(super) struct Place {
    url: String,
    environment: Vec<(String, String)>,
    server: Option<Child>,
}

impl Place {
    pub(super) fn open(kind: Kind, folder: &Path) -> anyhow::Result<Self> {
        match kind {
            Kind::File => {
                let url = format!("file://{}", folder.join("store").display());
                Ok(Self { url, environment: Vec::new(), server: None })
            }
            Kind::S3 => serve(),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What a program needs in its environment to use it.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }
}

/// Builds our own S3 server, and starts it. It ends with its standard input, so with this process at the latest.
fn serve() -> anyhow::Result<Place> {
    let build = ["build", "--quiet", "--package", "objstore-testkit", "--features", "s3-server"];
    workspace::check(&mut workspace::cargo(&build))?;
    let program = workspace::target_dir()?.join("debug/objstore-s3-server");
    let mut server = Command::new(program)
        .args(["--bucket", "backups"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start objstore-s3-server")?;
    let stdout = server.stdout.take().context("the server has no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let told: Value = serde_json::from_str(&line).context("the server does not say where it listens")?;
    let text =
        |name: &str| told[name].as_str().map(str::to_owned).with_context(|| format!("the server tells no {name}"));
    let (endpoint, region) = (text("endpoint")?, text("region")?);
    println!("   our own S3 server listens on {endpoint}");
    Ok(Place {
        url: format!("s3://backups/prod?endpoint={endpoint}&region={region}&path_style=true"),
        environment: vec![
            ("AWS_ACCESS_KEY_ID".to_owned(), text("access_key")?),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), text("secret_key")?),
        ],
        server: Some(server),
    })
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            server.kill().ok();
            server.wait().ok();
        }
    }
}

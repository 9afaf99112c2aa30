//! Finds, builds and starts the real programs that judge this workspace: etcd of four minors, etcdctl, etcdutl, and servers
//! of S3: MinIO, versitygw, moto, rclone.
//!
//! A test only *looks*: [`Part::find`] (or [`etcd`], [`etcdctl`], [`etcdutl`]) answers with a [`Judge`] that lies in the
//! cache folder, or with [`Missing`], which says why and what to run. Fetching and building is [`setup::ensure`], called
//! by `cargo xtask servers`, `test` and `demo` only. So a plain `cargo test` on a fresh machine works, and shows what it
//! left out.
//!
//! ```no_run
//! use judges::{EtcdServer, Minor};
//!
//! let etcd = judges::etcd(Minor::V3_6)?;
//! let mut server = EtcdServer::builder(&etcd).start()?;
//! println!("{} keeps its data in {}", server.client_url(), server.data_dir().display());
//! server.kill9()?;
//! server.restart()?;
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! A test file with `harness = false` lists its cases with what each needs:
//!
//! ```no_run
//! use judges::{Case, Minor, Part};
//!
//! fn main() -> std::process::ExitCode {
//!     judges::harness(
//!         1, // at least so many cases must be in the list
//!         vec![Case::new("boots", [Part::Etcd(Minor::V3_6)], || {
//!             let etcd = judges::etcd(Minor::V3_6).expect("the case needs it");
//!             judges::EtcdServer::builder(&etcd).start().map(drop)
//!         })],
//!     )
//! }
//! ```
//!
//! Everything listens on loopback, on ports that were free and stay reserved; every process dies with its owner, also
//! when the test panics or is killed.

mod pins;
pub use pins::{Minor, Part, Pin, PythonSource, Source};

mod settings;
pub use settings::Settings;

mod judge;
pub use judge::{Judge, Missing, etcd, etcdctl, etcdutl};

mod cache;
mod from_cargo;
mod from_go;
mod from_python;
pub mod setup;

mod process;
pub use process::{Finished, run_to_end};

mod wait;
pub use wait::wait_until;

mod text;
pub use text::base64;

mod guard;
mod ports;

mod http;

mod server;
pub use server::{EtcdServer, EtcdServerBuilder, HashKv, ServerTls};

mod cluster;
pub use cluster::EtcdCluster;

mod store_server;
pub use store_server::StoreServer;

mod relay;
pub use relay::Relay;

mod tls;
pub use tls::{Identity, IdentityFiles, TestCa, Validity};

mod harness;
pub use harness::{Case, IntoOutcome, harness};

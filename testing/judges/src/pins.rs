//! What is pinned, read from `judges.toml`.

use std::{fmt, sync::LazyLock};

use serde::Deserialize;

/// A minor release of etcd that the tests know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Minor {
    /// etcd 3.4: no storage version field, no `etcdutl`.
    V3_4,
    /// etcd 3.5.
    V3_5,
    /// etcd 3.6: storage version in the database.
    V3_6,
    /// etcd 3.7.
    V3_7,
}

impl Minor {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V3_4, Self::V3_5, Self::V3_6, Self::V3_7];
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_4 => "3.4",
            Self::V3_5 => "3.5",
            Self::V3_6 => "3.6",
            Self::V3_7 => "3.7",
        })
    }
}

/// A foreign program that a test, the demo or a check may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The etcd server.
    Etcd(Minor),
    /// `etcdctl`, the client.
    Etcdctl(Minor),
    /// `etcdutl`, the offline tool.
    Etcdutl(Minor),
    /// `cargo-deny`, which checks licences, sources and bans.
    CargoDeny,
    /// MinIO, a server of S3.
    MinIo,
    /// `versitygw`, which serves a folder as S3.
    VersityGw,
    /// `moto`, which answers as AWS does.
    Moto,
    /// `rclone`, whose server of S3 ignores conditions.
    Rclone,
}

impl Part {
    /// Every part that `judges.toml` pins, in its order.
    pub fn all() -> Vec<Self> {
        PINS.iter().map(|pin| pin.part).collect()
    }

    /// Its name in `judges.toml` and in `DUNNAGE_MAY_MISS`, for example `etcdutl-3.6`.
    pub fn id(self) -> String {
        match self {
            Self::Etcd(minor) => format!("etcd-{minor}"),
            Self::Etcdctl(minor) => format!("etcdctl-{minor}"),
            Self::Etcdutl(minor) => format!("etcdutl-{minor}"),
            Self::CargoDeny => "cargo-deny".to_owned(),
            Self::MinIo => "minio".to_owned(),
            Self::VersityGw => "versitygw".to_owned(),
            Self::Moto => "moto".to_owned(),
            Self::Rclone => "rclone".to_owned(),
        }
    }

    /// Which version is pinned, and where it comes from. `None` for a part that nothing pins (etcdutl 3.4 does not exist).
    pub fn pin(self) -> Option<&'static Pin> {
        PINS.iter().find(|pin| pin.part == self)
    }

    fn from_id(id: &str) -> Option<Self> {
        let minors = Minor::ALL.into_iter();
        let families = [Self::Etcd, Self::Etcdctl, Self::Etcdutl];
        minors
            .flat_map(|minor| families.map(|family| family(minor)))
            .chain([Self::CargoDeny, Self::MinIo, Self::VersityGw, Self::Moto, Self::Rclone])
            .find(|part| part.id() == id)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id())
    }
}

/// One entry of `judges.toml`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pin {
    /// Which part this is.
    pub part: Part,
    /// The program's file name.
    pub name: String,
    /// The exact version.
    pub version: String,
    /// Where the program comes from.
    pub source: Source,
    /// How the program is asked for its version.
    pub ask: String,
    /// What it must print then.
    pub prints: String,
}

/// Where a program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Inside the Cargo package `<name>-<os>-<arch>`.
    CargoPackage(String),
    /// Built from this Go main package.
    GoModule(String),
    /// Built by `cargo install` from this crate.
    CargoInstall(String),
    /// Installed from Python packages.
    Python(PythonSource),
}

/// A program out of Python packages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PythonSource {
    /// Every package, as `NAME==VERSION`. The first is the program's, and its version is the program's.
    pub packages: Vec<String>,
    /// The module that is run; without one, the first package brings an executable of the program's name.
    pub module: Option<String>,
}

#[derive(Deserialize)]
struct PinFile {
    judge: Vec<RawPin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPin {
    id: String,
    name: String,
    version: String,
    prints: String,
    ask: Option<String>,
    cargo: Option<String>,
    go: Option<String>,
    #[serde(rename = "crate")]
    crate_: Option<String>,
    python: Option<Vec<String>>,
    module: Option<String>,
}

static PINS: LazyLock<Vec<Pin>> = LazyLock::new(|| {
    let file: PinFile = toml::from_str(include_str!("../judges.toml")).expect("judges.toml is part of this crate");
    file.judge.into_iter().map(RawPin::check).collect()
});

impl RawPin {
    fn check(self) -> Pin {
        let part = Part::from_id(&self.id).unwrap_or_else(|| panic!("judges.toml: unknown id {:?}", self.id));
        let source = match (self.cargo, self.go, self.crate_, self.python) {
            (Some(package), None, None, None) => Source::CargoPackage(package),
            (None, Some(module), None, None) => Source::GoModule(module),
            (None, None, Some(name), None) => Source::CargoInstall(name),
            (None, None, None, Some(packages)) => Source::Python(PythonSource { packages, module: self.module }),
            _ => panic!("judges.toml: {part} needs exactly one of cargo, go, crate, python"),
        };
        let ask = self.ask.unwrap_or_else(|| "--version".to_owned());
        Pin { part, name: self.name, version: self.version, source, ask, prints: self.prints }
    }
}

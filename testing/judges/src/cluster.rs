//! Three members on loopback.

use std::path::PathBuf;

use anyhow::ensure;

use crate::{EtcdServer, Judge};

/// Several members of one cluster, started together.
#[derive(Debug)]
pub struct EtcdCluster {
    members: Vec<EtcdServer>,
}

impl EtcdCluster {
    /// Reserves names (`m0`, `m1`, …) and ports for a cluster of `count`, without starting it.
    ///
    /// Between this and [`EtcdCluster::start`] the data directories may be filled, for example by a restore that was told
    /// the [`EtcdCluster::initial_cluster`].
    ///
    /// # Errors
    /// When no port is free or no temporary folder can be made.
    pub fn reserve(judge: &Judge, count: usize) -> anyhow::Result<Self> {
        let build = |index: usize| EtcdServer::builder(judge).name(format!("m{index}")).initial_cluster_by_caller();
        let members: Vec<EtcdServer> = (0..count).map(|index| build(index).reserve()).collect::<anyhow::Result<_>>()?;
        let mut cluster = Self { members };
        let list = cluster.initial_cluster();
        for member in &mut cluster.members {
            member.add_args(["--initial-cluster", &list]);
        }
        Ok(cluster)
    }

    /// A fresh cluster of three, healthy.
    ///
    /// # Errors
    /// When a member does not become healthy in time.
    pub fn start_three(judge: &Judge) -> anyhow::Result<Self> {
        let mut cluster = Self::reserve(judge, 3)?;
        cluster.start()?;
        Ok(cluster)
    }

    /// Uses these data directories, one a member, in the order of the members. They are kept.
    ///
    /// # Errors
    /// When there are not as many as members.
    pub fn use_data_dirs(&mut self, dirs: impl IntoIterator<Item = PathBuf>) -> anyhow::Result<()> {
        let dirs: Vec<PathBuf> = dirs.into_iter().collect();
        ensure!(dirs.len() == self.members.len(), "{} folders for {} members", dirs.len(), self.members.len());
        for (member, dir) in self.members.iter_mut().zip(dirs) {
            member.set_data_dir(dir);
        }
        Ok(())
    }

    /// Adds arguments for every member, for example `--initial-cluster-token`.
    pub fn add_args<A: Into<String> + Clone>(&mut self, args: impl IntoIterator<Item = A> + Clone) {
        for member in &mut self.members {
            member.add_args(args.clone());
        }
    }

    /// Starts all members that do not run and waits until all are healthy.
    ///
    /// # Errors
    /// When a member does not become healthy in time.
    pub fn start(&mut self) -> anyhow::Result<()> {
        for member in self.members.iter_mut().filter(|member| member.pid().is_none()) {
            member.spawn()?;
        }
        self.members.iter_mut().try_for_each(EtcdServer::wait_ready)
    }

    /// Kills all members without warning.
    pub fn kill9(&mut self) {
        for member in self.members.iter_mut().filter(|member| member.pid().is_some()) {
            member.kill9().ok();
        }
    }

    /// What `--initial-cluster` says: `m0=http://…,m1=http://…`.
    pub fn initial_cluster(&self) -> String {
        let of = |member: &EtcdServer| format!("{}={}", member.name(), member.peer_url());
        self.members.iter().map(of).collect::<Vec<_>>().join(",")
    }

    /// The client URLs of all members.
    pub fn client_urls(&self) -> Vec<String> {
        self.members.iter().map(EtcdServer::client_url).collect()
    }

    /// The members, in the order of their names.
    pub fn members(&self) -> &[EtcdServer] {
        &self.members
    }

    /// The members, to stop or restart one.
    pub fn members_mut(&mut self) -> &mut [EtcdServer] {
        &mut self.members
    }
}

//! What an observer with all rights sees, and what a stranger does: for oracles and scenarios, not for flows.

use std::net::Ipv4Addr;

use super::cluster::Cluster;
use super::id::{Name, Uuid};
use super::password::Password;
use super::record::SvmState;
use super::svms::{Phase, SvmEntry};

/// An SVM with all that is in it.
#[derive(Clone, Copy, Debug)]
pub struct SvmInside<'a> {
    cluster: &'a Cluster,
    svm: &'a SvmEntry,
}

impl Cluster {
    /// Every SVM, also the ones that are being made.
    pub fn svms(&self) -> impl Iterator<Item = SvmInside<'_>> {
        self.svms.iter().map(|svm| SvmInside { cluster: self, svm })
    }

    /// Somebody makes an SVM of this name, at once.
    pub fn someone_makes_svm(&mut self, name: &Name, mark: &Name) {
        let (uuid, name, comment) = (self.next_uuid(), Name::clone(name), Name::clone(mark));
        self.svms.push(SvmEntry { uuid, name, comment, nvme: true, phase: Phase::Running });
    }

    /// Somebody stops every SVM.
    pub fn someone_stops_svms(&mut self) {
        let running = self.svms.iter_mut().filter(|svm| svm.phase == Phase::Running);
        running.for_each(|svm| svm.phase = Phase::Stopped);
    }

    /// Somebody turns NVMe off.
    pub fn someone_disables_nvme(&mut self) {
        self.svms.iter_mut().for_each(|svm| svm.nvme = false);
    }

    /// Somebody gives the LIF of this name another address.
    pub fn someone_moves_lif(&mut self, name: &str, address: Ipv4Addr) {
        self.lifs.iter_mut().filter(|lif| &*lif.name == name).for_each(|lif| lif.address = address);
    }

    /// Somebody disables every LIF.
    pub fn someone_disables_lifs(&mut self) {
        self.lifs.iter_mut().for_each(|lif| lif.enabled = false);
    }

    /// Somebody deletes the LIF of this name.
    pub fn someone_deletes_lif(&mut self, name: &str) {
        self.lifs.retain(|lif| &*lif.name != name);
    }

    /// Somebody sets every password to this one.
    pub fn someone_sets_passwords(&mut self, password: &Password) {
        self.accounts.iter_mut().for_each(|account| account.passwords.push(password.clone()));
    }

    /// Somebody locks every account, or unlocks them.
    pub fn someone_locks_accounts(&mut self, locked: bool) {
        self.accounts.iter_mut().for_each(|account| account.locked = locked);
    }

    /// Somebody deletes every account.
    pub fn someone_deletes_accounts(&mut self) {
        self.accounts.clear();
    }
}

impl<'a> SvmInside<'a> {
    /// Its id.
    pub fn uuid(self) -> Uuid {
        self.svm.uuid
    }

    /// Its name.
    pub fn name(self) -> &'a Name {
        &self.svm.name
    }

    /// The mark of its maker.
    pub fn mark(self) -> &'a Name {
        &self.svm.comment
    }

    /// Whether it runs, with NVMe.
    pub fn serves(self) -> bool {
        self.svm.nvme && self.cluster.state(self.svm) == SvmState::Running
    }

    /// How far it is.
    pub fn state(self) -> SvmState {
        self.cluster.state(self.svm)
    }

    /// Its LIFs: name, address, and whether it answers.
    pub fn lifs(self) -> impl Iterator<Item = (&'a Name, Ipv4Addr, bool)> {
        let own = self.cluster.lifs.iter().filter(move |lif| lif.svm == self.svm.uuid);
        own.map(|lif| (&lif.name, lif.address, lif.enabled))
    }

    /// Its accounts, each with the password that works.
    pub fn accounts(self) -> impl Iterator<Item = (&'a Name, &'a Password)> {
        let own = self.cluster.accounts.iter().filter(move |account| account.owner == self.svm.uuid);
        own.filter_map(|account| Some((&account.name, account.passwords.last()?)))
    }
}

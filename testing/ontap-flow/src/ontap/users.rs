//! Accounts, their passwords, and logging in.

use std::net::Ipv4Addr;

use super::cluster::{Cluster, ok};
use super::code::Code;
use super::id::{Name, Uuid};
use super::password::Password;
use super::record::Account;
use super::request::{Body, Reply, Response};
use super::svms::Phase;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AccountEntry {
    pub(crate) owner: Uuid,
    pub(crate) name: Name,
    /// The last one is the one that works.
    pub(crate) passwords: Vec<Password>,
    pub(crate) locked: bool,
}

impl Cluster {
    pub(crate) fn get_account(&self, owner: Uuid, name: &Name) -> Response {
        let found = self.accounts.iter().find(|one| one.owner == owner && one.name == *name);
        let shown = found.map(|one| Account { owner, name: Name::clone(name), locked: one.locked });
        Ok(ok(Body::Accounts(shown.into_iter().collect())))
    }

    pub(crate) fn post_account(&mut self, owner: Uuid, name: &Name, password: &Password) -> Response {
        if self.svm(owner)?.phase == Phase::Working {
            return Err(Code::SVM_BUSY.into());
        }
        if self.accounts.iter().any(|one| one.owner == owner && one.name == *name) {
            return Err(Code::DUPLICATE.into());
        }
        password.check(name, &[], 0)?;
        let (name, passwords) = (Name::clone(name), vec![password.clone()]);
        self.accounts.push(AccountEntry { owner, name, passwords, locked: false });
        self.counts.accounts_created += 1;
        Ok(Reply { status: 201, body: Body::Empty })
    }

    pub(crate) fn delete_account(&mut self, owner: Uuid, name: &Name) -> Response {
        let found = self.accounts.iter().position(|one| one.owner == owner && one.name == *name);
        self.accounts.remove(found.ok_or(Code::NOT_THERE)?);
        self.counts.accounts_deleted += 1;
        Ok(ok(Body::Empty))
    }

    /// Sets a password. The specification says 201; ONTAP answers 200.
    pub(crate) fn post_password(&mut self, owner: Uuid, name: &Name, password: &Password) -> Response {
        let remembered = self.habits.passwords_remembered;
        let found = self.accounts.iter_mut().find(|one| one.owner == owner && one.name == *name);
        let account = found.ok_or(Code::NOT_THERE)?;
        password.check(name, &account.passwords, remembered)?;
        account.passwords.push(password.clone());
        self.counts.passwords_set += 1;
        Ok(ok(Body::Empty))
    }

    /// Any read with these credentials at a management LIF: 200, or 401 and nothing said about why. Where no LIF of a
    /// running SVM answers there is no 401 either.
    pub(crate) fn login(&self, address: Ipv4Addr, name: &Name, password: &Password) -> Response {
        let lif = self.lifs.iter().find(|lif| lif.address == address && lif.enabled).ok_or(Code::UNREACHABLE)?;
        if self.svm(lif.svm)?.phase != Phase::Running {
            return Err(Code::UNREACHABLE.into());
        }
        let found = self.accounts.iter().find(|one| one.owner == lif.svm && one.name == *name && !one.locked);
        match found.and_then(|one| one.passwords.last()) == Some(password) {
            true => Ok(ok(Body::Empty)),
            false => Err(Code::NOT_AUTHORIZED.into()),
        }
    }
}

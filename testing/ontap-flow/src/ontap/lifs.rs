//! Logical interfaces.

use std::net::Ipv4Addr;

use super::cluster::{Cluster, created, ok, page};
use super::code::Code;
use super::id::{Name, Uuid};
use super::record::Lif;
use super::request::{ApiError, Body, Fields, Page, Response};
use super::svms::Phase;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LifEntry {
    pub(crate) uuid: Uuid,
    pub(crate) svm: Uuid,
    pub(crate) name: Name,
    pub(crate) address: Ipv4Addr,
    pub(crate) enabled: bool,
}

impl LifEntry {
    fn shown(&self, fields: Fields) -> Lif {
        let (address, enabled) = match fields {
            Fields::Keys => (None, None),
            Fields::All => (Some(self.address), Some(self.enabled)),
        };
        Lif { uuid: self.uuid, svm: self.svm, name: Name::clone(&self.name), address, enabled }
    }
}

impl Cluster {
    pub(crate) fn get_lifs(&self, svm: Uuid, name: Option<&Name>, fields: Fields, from: Page) -> Response {
        let matching = self.lifs.iter().filter(|lif| lif.svm == svm && name.is_none_or(|name| lif.name == *name));
        let (records, next) = page(matching, from.0, self.habits.page_size);
        let records = records.into_iter().map(|lif| lif.shown(fields)).collect();
        Ok(ok(Body::Lifs { records, next }))
    }

    pub(crate) fn post_lif(&mut self, svm: Uuid, name: &Name, address: Ipv4Addr) -> Response {
        if self.svm(svm)?.phase == Phase::Working {
            return Err(Code::SVM_BUSY.into());
        }
        if self.lifs.iter().any(|lif| lif.svm == svm && lif.name == *name) {
            return Err(Code::LIF_EXISTS.into());
        }
        self.refuse_used(address, None)?;
        let (uuid, name) = (self.next_uuid(), Name::clone(name));
        let broken = self.habits.inconsistent_lifs > 0;
        self.habits.inconsistent_lifs -= u32::from(broken);
        self.lifs.push(LifEntry { uuid, svm, name, address, enabled: !broken });
        self.counts.lifs_created += 1;
        if broken { Err(Code::LIF_INCONSISTENT.into()) } else { Ok(created(uuid)) }
    }

    pub(crate) fn patch_lif(&mut self, uuid: Uuid, address: Option<Ipv4Addr>, enabled: Option<bool>) -> Response {
        if let Some(address) = address {
            self.refuse_used(address, Some(uuid))?;
        }
        let lif = self.lifs.iter_mut().find(|lif| lif.uuid == uuid).ok_or(Code::NOT_THERE)?;
        lif.address = address.unwrap_or(lif.address);
        lif.enabled = enabled.unwrap_or(lif.enabled);
        Ok(ok(Body::Empty))
    }

    pub(crate) fn delete_lif(&mut self, uuid: Uuid) -> Response {
        let index = self.lifs.iter().position(|lif| lif.uuid == uuid).ok_or(Code::NOT_THERE)?;
        self.lifs.remove(index);
        self.counts.lifs_deleted += 1;
        Ok(ok(Body::Empty))
    }

    fn refuse_used(&self, address: Ipv4Addr, by_other_than: Option<Uuid>) -> Result<(), ApiError> {
        match self.lifs.iter().any(|lif| lif.address == address && Some(lif.uuid) != by_other_than) {
            true => Err(ApiError { code: Code::DUPLICATE_ADDRESS, target: Some("ip.address") }),
            false => Ok(()),
        }
    }
}

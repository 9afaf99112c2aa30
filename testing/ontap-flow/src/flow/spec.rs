//! What is wanted.

use std::net::Ipv4Addr;

use crate::ontap::Name;

/// The storage of one project for one shoot cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spec {
    /// The SVM's name. Fixed from the project's id: a lost answer can then not lead to a second one.
    pub svm: Name,
    /// The mark that this flow leaves on what it makes.
    pub mark: Name,
    /// The account, and the two secrets.
    pub shoot: Name,
    /// Addresses for data, in order.
    pub data: Vec<Ipv4Addr>,
    /// The address for administration. Logins go there.
    pub management: Ipv4Addr,
}

impl Spec {
    /// A project with two addresses for data.
    pub fn example() -> Self {
        Self {
            svm: Name::from("p3f8a"),
            mark: Name::from("ontap-flow/3f8a"),
            shoot: Name::from("shoot"),
            data: vec![Ipv4Addr::new(10, 0, 1, 1), Ipv4Addr::new(10, 0, 1, 2)],
            management: Ipv4Addr::new(10, 0, 0, 1),
        }
    }

    /// The address of the LIF of this name.
    pub fn address(&self, lif: &str) -> Option<Ipv4Addr> {
        if lif == Self::MANAGEMENT_LIF {
            return Some(self.management);
        }
        let index: usize = lif.strip_prefix("datalif")?.parse().ok()?;
        self.data.get(index).copied()
    }

    /// The name of a LIF for data.
    pub fn data_lif(index: usize) -> Name {
        Name::from(format!("datalif{index}"))
    }

    /// The name of the LIF for administration.
    pub const MANAGEMENT_LIF: &str = "managementlif";
}

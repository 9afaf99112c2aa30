//! The two clients of the flow: one can only read.

mod reader;
mod writer;

use reconcile::testkit::Versions;

pub use self::reader::Reader;
pub use self::writer::Writer;
use crate::secrets::Secrets;
use crate::wire::Subject;
use crate::world::World;

/// Which secret store.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Place {
    /// The cluster that hosts control planes.
    Seed,
    /// The cluster that uses the storage.
    Shoot,
}

impl Place {
    /// Its store.
    pub fn of(self, world: &mut World) -> &mut Versions<Secrets> {
        match self {
            Self::Seed => &mut world.seed,
            Self::Shoot => &mut world.shoot,
        }
    }

    fn subject(self) -> Subject {
        match self {
            Self::Seed => Subject::SeedSecret,
            Self::Shoot => Subject::ShootSecret,
        }
    }
}

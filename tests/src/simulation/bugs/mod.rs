//! Deliberate bugs, put between the engine and its ports: the proof that the simulation would find such a bug in
//! the engine. The product itself knows nothing of them.

mod agenda_and_holds;
mod directory;
mod ledger;
mod writer;

use agenda_and_holds::{Forgetful, Unweighed};
use directory::Misread;
use engine::holds::Holds;
use engine::ports::{Agenda, Directory, IdentityStoreReader, IdentityStoreWriter};
use engine::sweep::ports::SweepLedger;
use ledger::{Misremembered, SavedTooSoon};
use std::sync::Arc;
use writer::Rebinding;

/// A bug that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A record's dirty mark is not looked at.
    IgnoreTheDirtyMark,
    /// A tombstone has no grace period.
    DeleteBeforeGrace,
    /// A list ends with its first page.
    TrustTheFirstPage,
    /// Nothing is looked at again.
    DropTheRecheck,
    /// A crash before the fan-out loses the changes that the saved link is past.
    SaveTheLinkBeforeTheFanOut,
    /// A crash after it loses what the agenda was to be told.
    StoreTheAssignedSetBeforeTheAgenda,
    /// What a group's changes take away, a few people at a time, is not counted.
    LetTheBreakerMissGroupDeltas,
    /// Somebody new gets the object of somebody who left.
    RebindATombstone,
    /// One read that finds nobody is believed.
    TrustOneNotFound,
    /// What is about to be granted is not written down.
    ForgetGrantsBegun,
}

impl Bug {
    /// Every bug.
    pub const ALL: [Bug; 10] = [
        Bug::IgnoreTheDirtyMark,
        Bug::DeleteBeforeGrace,
        Bug::TrustTheFirstPage,
        Bug::DropTheRecheck,
        Bug::SaveTheLinkBeforeTheFanOut,
        Bug::StoreTheAssignedSetBeforeTheAgenda,
        Bug::LetTheBreakerMissGroupDeltas,
        Bug::RebindATombstone,
        Bug::TrustOneNotFound,
        Bug::ForgetGrantsBegun,
    ];

    /// Directory and ledger with this bug.
    pub fn beneath(
        self,
        directory: Arc<dyn Directory>,
        ledger: Arc<dyn SweepLedger>,
    ) -> (Arc<dyn Directory>, Arc<dyn SweepLedger>) {
        let saved = SavedTooSoon::default();
        let misread = Misread { inner: directory, ledger: ledger.clone(), bug: self, saved: saved.clone() };
        (Arc::new(misread), Arc::new(Misremembered::new(ledger, self, saved)))
    }

    /// The writer with this bug.
    pub fn in_writer(
        self,
        writer: Arc<dyn IdentityStoreWriter>,
        reader: Arc<dyn IdentityStoreReader>,
    ) -> Arc<dyn IdentityStoreWriter> {
        if self == Bug::RebindATombstone { Arc::new(Rebinding { writer, reader }) } else { writer }
    }

    /// The agenda with this bug.
    pub fn in_agenda(self, agenda: Arc<dyn Agenda>) -> Arc<dyn Agenda> {
        if self == Bug::DropTheRecheck { Arc::new(Forgetful(agenda)) } else { agenda }
    }

    /// The holds with this bug.
    pub fn in_holds(self, holds: Arc<dyn Holds>) -> Arc<dyn Holds> {
        if self == Bug::LetTheBreakerMissGroupDeltas { Arc::new(Unweighed(holds)) } else { holds }
    }
}

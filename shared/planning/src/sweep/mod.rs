//! What a full sweep concludes: both sides and the ledger, compared object by object. It only says whom to look
//! at; the mirror's own fresh reads decide what is done.

mod accounts;
mod findings;
mod members;
mod number;
mod objects;
mod picture;

pub use accounts::{Question, judge_account};
pub use findings::{Difference, Finding, ForeignMember, NothingListed};
pub use members::{MemberDifferences, compare_members, judge_group};
pub use objects::{GroupList, UserList};
pub use picture::{KnownGroup, KnownUser, Picture, PictureBuilder};

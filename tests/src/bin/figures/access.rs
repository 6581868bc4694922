//! What account assignments cost.

use crate::alone::{Subject, in_own_process};
use crate::figure::{Bound, Figure};
use tests::access::{Calls, Made};

/// Changes of members, groups that are read, and accounts that a group gets: as their figures' names say.
const CHANGES: usize = 20;
const GROUPS: usize = 1_000;
const ACCOUNTS: usize = 200;

/// What fifteen requests at a time, of fifteen seconds each, allow, in seconds; and how near that has to be.
const FASTEST: f64 = ACCOUNTS.div_ceil(15) as f64 * 15.0;
const NEAR: f64 = 1.15;

const MEMBERS: &str = "sso-admin-calls-of-20-membership-changes";
const READING: &str = "sso-admin-calls-to-read-1000-groups";
const FIRST: &str = "access-to-200-accounts";

/// Everything this measures, in the order in which it is printed.
pub const NAMES: [&str; 3] = [MEMBERS, READING, FIRST];

/// Measures each in a process of its own, in virtual time.
///
/// # Errors
/// When a world does not come to what it should.
pub async fn measure(wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if wanted(MEMBERS) {
        let calls: u64 = in_own_process(Subject::MembershipChanges, CHANGES).await?;
        figures.push(Figure::new(MEMBERS, calls as f64, "calls", Bound::AtMost(0.0)));
    }
    if wanted(READING) {
        let Calls { made, fewest } = in_own_process(Subject::Reading, GROUPS).await?;
        figures.push(Figure::new(READING, made as f64, "calls", Bound::AtMost(fewest as f64)));
    }
    if wanted(FIRST) {
        let Made { took, .. } = in_own_process(Subject::FirstAssignments, ACCOUNTS).await?;
        let bound = Bound::AtMost(FASTEST * NEAR);
        figures.push(Figure::new(FIRST, took.as_secs_f64(), "s, virtual", bound));
    }
    Ok(figures)
}

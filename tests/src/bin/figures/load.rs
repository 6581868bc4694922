//! How the product behaves under load: live revocations beside much other work, and the first mirroring of all.

use crate::alone::{Subject, in_own_process};
use crate::figure::{Bound, Figure};
use tests::load::{Backlog, InitialLoad, Lag};

/// Items on the agenda, updates, and members of the group: as their figures' names say.
const ITEMS: usize = 100_000;
const UPDATES: usize = 50_000;
const MEMBERS: usize = 10_000;
/// Users of the organisation that is mirrored, in a tenth as many groups of a hundred.
const USERS: usize = 10_000;

/// Seconds.
const LAG: f64 = 5.0;
/// Of the speed without revocations.
const SPEED: f64 = 0.9;
/// Of the time that the quota demands: 20 memberships a second.
const TIME: f64 = 1.15;
const MEMBERSHIPS_A_SECOND: f64 = 20.0;
const MEMBERSHIPS_OF_A_USER: f64 = 10.0;

const BACKLOG: [&str; 2] = ["revocation-while-100000-items-wait", "bulk-speed-during-revocations"];
const ARRIVE: &str = "revocation-while-50000-updates-arrive";
const UNASSIGNED: &str = "revocation-while-10000-are-unassigned";
const INITIAL: &str = "initial-load-10000-users";

/// Everything this measures, in the order in which it is printed.
pub const NAMES: [&str; 5] = [BACKLOG[0], ARRIVE, UNASSIGNED, BACKLOG[1], INITIAL];

/// Measures each load in a process of its own.
///
/// # Errors
/// When a revocation never lands, a batch times out, or a message is given up.
pub async fn measure(wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Figure>> {
    let lag =
        |name: &str, lag: Lag| Figure::new(name, lag.longest.as_secs_f64(), "s, virtual", Bound::AtMost(LAG));
    let mut figures = Vec::new();
    let mut speed = None;
    if BACKLOG.into_iter().any(&wanted) {
        let backlog: Backlog = in_own_process(Subject::Backlog, ITEMS).await?;
        figures.push(lag(BACKLOG[0], backlog.lag));
        let ratio = backlog.beside / backlog.alone;
        speed = Some(Figure::new(BACKLOG[1], ratio, "of the speed alone", Bound::AtLeast(SPEED)));
    }
    if wanted(ARRIVE) {
        figures.push(lag(ARRIVE, in_own_process(Subject::Updates, UPDATES).await?));
    }
    if wanted(UNASSIGNED) {
        figures.push(lag(UNASSIGNED, in_own_process(Subject::Unassigned, MEMBERS).await?));
    }
    figures.extend(speed);
    if wanted(INITIAL) {
        let load: InitialLoad = in_own_process(Subject::InitialLoad, USERS).await?;
        anyhow::ensure!(
            (load.time_outs, load.dead_letters) == (0, 0),
            "{} batches timed out and {} messages were given up in the initial load",
            load.time_outs,
            load.dead_letters
        );
        let bound = USERS as f64 * MEMBERSHIPS_OF_A_USER / MEMBERSHIPS_A_SECOND * TIME;
        figures.push(Figure::new(INITIAL, load.took.as_secs_f64(), "s, virtual", Bound::AtMost(bound)));
    }
    Ok(figures)
}

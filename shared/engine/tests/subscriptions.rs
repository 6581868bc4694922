//! Facts about runs over the subscriptions: what they do when calls fail, and that they may die anywhere.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

use async_trait::async_trait;
use engine::ports::{CallError, Cause, Clock, HandshakeFailure};
use engine::subscriptions::ports::{
    Created, SubscriptionLease, SubscriptionLedger, Subscriptions, SweepRequests,
};
use engine::subscriptions::telemetry::SubscriptionTelemetry;
use engine::subscriptions::{Ran, Report, Subscriber, SubscriptionError};
use engine::sweep::ports::SweepLedger;
use engine::telemetry::{Applied, Count, Telemetry};
use jiff::{SignedDuration, Timestamp};
use ledger::memory::MemoryLedger;
use planning::digest::Digest;
use planning::skipped::Skipped;
use planning::subscriptions::{LIFETIME, Observed, Remembered, Resource, Step, Told, Wanted, WebhookAddress};
use planning::{EntraObjectId, SubscriptionId};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

const WEBHOOK: &str = "https://webhook.example";

/// What happens to the calls of Graph and of the ledger, counted from nought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The call of this number does not arrive.
    Lost(usize),
    /// It takes effect, and its answer does not arrive.
    Unanswered(usize),
}

#[derive(Default)]
struct State {
    subscriptions: Vec<Observed>,
    /// Which clientState each was made with.
    carried: Vec<(SubscriptionId, Digest)>,
    secret: String,
    made: u32,
    created_at: Option<Timestamp>,
    calls: usize,
    fate: Option<Fate>,
    /// Errors for the next writes of Graph.
    refusals: Vec<Cause>,
    /// The next one that is renewed turns out to be gone.
    vanishing: bool,
    writes: Vec<&'static str>,
    retries: usize,
    minutes_left: Option<i64>,
}

struct World {
    state: Mutex<State>,
    ledger: MemoryLedger,
    began: Instant,
}

impl World {
    fn new() -> Arc<Self> {
        let state = State { secret: "first".to_owned(), ..State::default() };
        Arc::new(Self { state: Mutex::new(state), ledger: MemoryLedger::default(), began: Instant::now() })
    }

    fn subscriber(self: &Arc<Self>) -> Subscriber {
        Subscriber {
            subscriptions: self.clone(),
            ledger: self.clone(),
            sweeps: self.clone(),
            clock: self.clone(),
            telemetry: self.clone(),
            webhook: WebhookAddress::new(WEBHOOK),
        }
    }

    async fn run(self: &Arc<Self>) -> Result<Ran, SubscriptionError> {
        let end = self.now() + SignedDuration::from_mins(3);
        self.subscriber().run(&Told::default(), end, end).await
    }

    /// A run that must succeed; its report.
    async fn look(self: &Arc<Self>) -> Report {
        match self.run().await.unwrap() {
            Ran::Looked(report) => report,
            Ran::SomebodyElse => panic!("somebody else is at it"),
        }
    }

    fn refuse(&self, causes: impl IntoIterator<Item = Cause>) {
        self.state.lock().unwrap().refusals.extend(causes);
    }

    fn take_writes(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state.lock().unwrap().writes)
    }

    async fn wanted_at(&self) -> Option<Timestamp> {
        self.ledger.sweep_state().await.unwrap().wanted_at
    }

    /// Counts a call; its effect happens unless it is lost.
    fn call<T>(&self, effect: impl FnOnce(&mut State) -> Result<T, Cause>) -> Result<T, CallError> {
        let mut state = self.state.lock().unwrap();
        let number = state.calls;
        state.calls += 1;
        let broken = || CallError::new("call", number, Cause::Unanswered { detail: "broken".to_owned() });
        if state.fate == Some(Fate::Lost(number)) {
            return Err(broken());
        }
        let answer = effect(&mut state).map_err(|cause| CallError::new("call", number, cause));
        if state.fate == Some(Fate::Unanswered(number)) { Err(broken()) } else { answer }
    }

    /// The ledger's calls count, too.
    async fn keep<T>(&self, call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
        let number = {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            state.calls - 1
        };
        let fate = self.state.lock().unwrap().fate;
        let broken = || CallError::new("keep", number, Cause::Unanswered { detail: "broken".to_owned() });
        if fate == Some(Fate::Lost(number)) {
            return Err(broken());
        }
        let answer = call.await;
        if fate == Some(Fate::Unanswered(number)) { Err(broken()) } else { answer }
    }

    fn write<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, Cause>,
    ) -> Result<T, CallError> {
        self.call(|state| {
            state.writes.push(name);
            if !state.refusals.is_empty() {
                return Err(state.refusals.remove(0));
            }
            effect(state)
        })
    }
}

#[async_trait]
impl Subscriptions for World {
    async fn list(&self) -> Result<Vec<Observed>, CallError> {
        self.call(|state| Ok(state.subscriptions.clone()))
    }

    async fn create(
        &self,
        resource: Resource,
        webhook: &WebhookAddress,
        until: Timestamp,
    ) -> Result<Created, CallError> {
        let now = self.now();
        self.write("create", |state| {
            if state.subscriptions.iter().any(|held| held.wanted_resource() == Some(resource)) {
                return Err(Cause::Conflict);
            }
            state.made += 1;
            let id = format!("00000000-0000-4000-8000-{:012x}", state.made);
            let made = Observed {
                id: SubscriptionId::parse(&id).unwrap(),
                resource: resource.to_string(),
                change_types: Wanted::change_types(),
                notification_url: webhook.notification_url(),
                lifecycle_url: Some(webhook.lifecycle_url()),
                expires: until,
            };
            let client_state = Digest::of(&state.secret);
            state.carried.push((made.id.clone(), client_state.clone()));
            state.subscriptions.push(made.clone());
            state.created_at = Some(now);
            Ok(Created { id: made.id, expires: until, client_state })
        })
    }

    async fn renew(&self, id: &SubscriptionId, until: Timestamp) -> Result<Timestamp, CallError> {
        self.write("renew", |state| {
            if std::mem::take(&mut state.vanishing) {
                state.subscriptions.retain(|held| held.id != *id);
            }
            let held = state.subscriptions.iter_mut().find(|held| held.id == *id);
            held.ok_or(Cause::NotFound)?.expires = until;
            Ok(until)
        })
    }

    async fn delete(&self, id: &SubscriptionId) -> Result<(), CallError> {
        self.write("delete", |state| {
            let before = state.subscriptions.len();
            state.subscriptions.retain(|held| held.id != *id);
            if state.subscriptions.len() < before { Ok(()) } else { Err(Cause::NotFound) }
        })
    }

    async fn client_state(&self) -> Result<Digest, CallError> {
        self.call(|state| Ok(Digest::of(&state.secret)))
    }
}

#[async_trait]
impl SubscriptionLedger for World {
    async fn begin(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(SubscriptionLease, Remembered)>, CallError> {
        self.keep(self.ledger.begin(now, until)).await
    }

    async fn store(&self, lease: &SubscriptionLease, remembered: &Remembered) -> Result<(), CallError> {
        self.keep(self.ledger.store(lease, remembered)).await
    }

    async fn end(&self, lease: &SubscriptionLease) -> Result<(), CallError> {
        self.keep(self.ledger.end(lease)).await
    }
}

#[async_trait]
impl SweepRequests for World {
    async fn want_everything(&self, at: Timestamp) -> Result<(), CallError> {
        self.keep(self.ledger.want_everything(at)).await
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap();
        Timestamp::from_second(1_800_000_000).unwrap() + passed
    }
}

impl Telemetry for World {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, _: &EntraObjectId, _: &Skipped) {}
    fn count(&self, _: Count, _: u64) {}
}

impl SubscriptionTelemetry for World {
    fn stepped(&self, _: &Step) {}
    fn retried(&self, _: &CallError) {
        self.state.lock().unwrap().retries += 1;
    }
    fn failed(&self, _: &SubscriptionError) {}
    fn looked(&self, report: &Report) {
        self.state.lock().unwrap().minutes_left = Some(report.minutes_left);
    }
}

/// Time passes for everybody.
async fn pass(time: SignedDuration) {
    tokio::time::advance(time.unsigned_abs()).await;
}

fn timed_out() -> Cause {
    Cause::Unreachable(HandshakeFailure::TimedOut)
}

#[tokio::test(start_paused = true)]
async fn a_fresh_tenant_gets_both_and_a_sweep_that_begins_afterwards() {
    let world = World::new();
    let report = world.look().await;
    assert_eq!(report.steps, ["create one to /users", "create one to /groups"]);
    assert_eq!((report.sweep, report.minutes_left), (true, LIFETIME.as_mins()));
    assert!(world.wanted_at().await >= world.state.lock().unwrap().created_at);
    world.take_writes();
    assert_eq!(world.look().await.steps, Vec::<String>::new());
    assert_eq!(world.take_writes(), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn half_of_the_lifetime_later_each_is_renewed_with_one_call() {
    let world = World::new();
    world.look().await;
    world.take_writes();
    pass(LIFETIME / 2 + SignedDuration::from_mins(1)).await;
    let report = world.look().await;
    assert_eq!(world.take_writes(), ["renew", "renew"]);
    assert_eq!((report.sweep, report.minutes_left), (false, LIFETIME.as_mins()));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_when_it_is_renewed_is_made_anew_and_everything_is_swept() {
    let world = World::new();
    world.look().await;
    pass(LIFETIME / 2 + SignedDuration::from_mins(1)).await;
    world.take_writes();
    world.state.lock().unwrap().vanishing = true;
    let report = world.look().await;
    assert_eq!(world.take_writes(), ["renew", "create", "renew"]);
    assert_eq!((report.sweep, report.minutes_left), (true, LIFETIME.as_mins()));
    let wanted = world.wanted_at().await;
    assert!(wanted >= world.state.lock().unwrap().created_at);
}

#[tokio::test(start_paused = true)]
async fn a_validation_that_times_out_is_repeated_ever_more_seldom_until_the_time_is_up() {
    let world = World::new();
    world.refuse(vec![timed_out(); 4]);
    let began = Instant::now();
    assert_eq!(world.look().await.steps.len(), 2);
    assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4 + 8);
    assert_eq!(world.state.lock().unwrap().retries, 4);

    let world = World::new();
    world.refuse(vec![timed_out(); 100]);
    let began = Instant::now();
    let error = world.run().await.unwrap_err().to_string();
    assert!(began.elapsed().as_secs() < 180, "it goes on until it is killed");
    assert!(error.contains("WEBHOOK_URL") && error.contains("webhook function"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_not_repeated_and_hides_nothing_else() {
    let world = World::new();
    world.refuse([Cause::Unreachable(HandshakeFailure::Status("Forbidden".to_owned()))]);
    let error = world.run().await.unwrap_err().to_string();
    assert!(error.contains("Forbidden") && error.contains("WAF"), "{error}");
    assert_eq!(world.take_writes(), ["create", "create"]);
    assert_eq!(world.state.lock().unwrap().subscriptions.len(), 1, "the other one is made all the same");
    assert_eq!(world.state.lock().unwrap().minutes_left, Some(0), "one is missing");
    assert_eq!(world.look().await.steps, ["create one to /users"]);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_in_the_way_is_left_alone_and_named() {
    let world = World::new();
    world.look().await;
    world.state.lock().unwrap().subscriptions[0].notification_url = "https://other.example/".to_owned();
    // The ledger was lost with the stack.
    let other = Arc::new(World {
        state: Mutex::new(std::mem::take(&mut *world.state.lock().unwrap())),
        ledger: MemoryLedger::default(),
        began: Instant::now(),
    });
    let error = other.run().await.unwrap_err();
    assert_eq!(error, SubscriptionError::Taken(Resource::Users));
    assert!(error.to_string().contains("app registration of its own"), "{error}");
    assert_eq!(other.state.lock().unwrap().subscriptions[0].notification_url, "https://other.example/");
}

#[tokio::test(start_paused = true)]
async fn two_never_run_at_once() {
    let world = World::new();
    let until = world.now() + SignedDuration::from_mins(3);
    world.ledger.begin(world.now(), until).await.unwrap().unwrap();
    assert_eq!(world.run().await.unwrap(), Ran::SomebodyElse);
    assert_eq!(world.take_writes(), Vec::<&str>::new());
    pass(SignedDuration::from_mins(3)).await;
    assert_eq!(world.look().await.steps.len(), 2);
}

/// Whatever call is lost or unanswered, and wherever a run ends with it: the next one ends with two that carry the current
/// clientState, and with a sweep that begins after the last of them was made.
#[tokio::test(start_paused = true)]
async fn a_run_may_die_at_any_call() {
    for rotated in [false, true] {
        let mut number = 0;
        loop {
            let mut over = false;
            for fate in [Fate::Lost(number), Fate::Unanswered(number)] {
                let world = World::new();
                if rotated {
                    world.look().await;
                    world.ledger.answer_sweep_request(world.now()).await.unwrap();
                    let mut state = world.state.lock().unwrap();
                    (state.secret, state.calls) = ("second".to_owned(), 0);
                }
                world.state.lock().unwrap().fate = Some(fate);
                let died = world.run().await;
                over = died.is_ok();
                world.state.lock().unwrap().fate = None;
                // Its lease has expired by then.
                pass(SignedDuration::from_mins(4)).await;
                world.look().await;
                let wanted = world.wanted_at().await;
                let state = world.state.lock().unwrap();
                assert_eq!(state.subscriptions.len(), 2, "{fate:?}");
                for held in &state.subscriptions {
                    let carried = state.carried.iter().find(|(id, _)| *id == held.id).unwrap();
                    assert_eq!(carried.1, Digest::of(&state.secret), "{fate:?}");
                }
                assert!(wanted >= state.created_at, "{fate:?}: {wanted:?} {:?}", state.created_at);
            }
            if over {
                break;
            }
            number += 1;
        }
        assert!(number > 7, "only {number} calls were tried");
    }
}

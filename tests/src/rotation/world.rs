//! The world of one history, and time in it.

use super::bugs::Decider;
use super::entra::Entra;
use super::people::People;
use super::runs::Fate;
use super::target::Trusting;
use super::watch::Watch;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Mode, Observed, Persisted, Policy, Retirement, SignIns, Target, days, entity_id};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Everything.
pub struct World {
    pub random: Rng,
    pub now: Timestamp,
    pub entra: Entra,
    pub targets: Vec<Trusting>,
    pub people: People,
    pub policy: Policy,
    pub store: Persisted,
    pub sign_ins: SignInLog,
    pub weather: Weather,
    pub decider: Decider,
    pub watch: Watch,
    pub journal: Vec<String>,
    pub next_run: Timestamp,
    /// How the next write ends.
    pub fate: Fate,
    /// Expiry of the certificate that was there first.
    pub expiry: Timestamp,
}

/// Until when something does not work.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub graph: Timestamp,
    pub forbidden: Timestamp,
    pub metadata: Timestamp,
    pub foreign: Timestamp,
    pub lists: Timestamp,
    pub evidence: Timestamp,
}

/// Sign-ins as CloudTrail would tell of them, a quarter of an hour late.
#[derive(Debug, Clone, Default)]
pub struct SignInLog {
    entries: Vec<(Timestamp, u32, u32)>,
    carried: f64,
    per_hour: f64,
    exist: bool,
}

const LATE: SignedDuration = SignedDuration::from_mins(15);
const GRACE: SignedDuration = SignedDuration::from_mins(15);
const BASELINE_PER_MILLE: u32 = 20;

/// The configured tenant.
pub const TENANT: Uuid = Uuid::from_u128(7);

impl World {
    /// The world of a seed.
    pub fn new(seed: u64, decider: Decider) -> Self {
        let mut random = Rng::with_seed(seed);
        let began = Timestamp::UNIX_EPOCH + days(20_000 + random.i64(0..365));
        let days_left = if random.u8(0..10) == 0 { random.i64(9..40) } else { random.i64(60..68) };
        let expiry = began + days(days_left);
        let mut entra = Entra::new(&mut random, began, expiry);
        let targets = targets(&mut random, &entra, began);
        let mode = match random.u8(0..20) {
            0 => Mode::Monitor,
            1..9 => Mode::Assist,
            _ => Mode::Auto,
        };
        let kinds: BTreeMap<_, _> = targets.iter().map(|target| (target.id.clone(), target.kind)).collect();
        let by_hand = mode == Mode::Assist || targets.iter().any(|target| !target.kind.imports);
        let retirement = random.choice([Retirement::Never, Retirement::Approved, Retirement::Automatic]);
        let policy =
            Policy { retirement: retirement.unwrap_or_default(), ..Policy::new(mode, TENANT, kinds) };
        let pinned = entra.certificates().next().map(|first| first.sha1);
        if let Some(first) = pinned.filter(|_| random.u8(0..5) > 0) {
            entra.prefer(&mut random, first, began - days(1));
        }
        let mut watch = Watch::new(mode, decider == Decider::Naive);
        if days_left < if by_hand { 25 } else { 16 } {
            watch.excuse("installed late");
        }
        let weather = Weather {
            graph: began,
            forbidden: began,
            metadata: began,
            foreign: began,
            lists: began,
            evidence: began,
        };
        let sign_ins = SignInLog {
            per_hour: f64::from(random.u32(2..60)),
            exist: random.u8(0..6) > 0,
            ..SignInLog::default()
        };
        let people = People::new(&mut random);
        Self {
            random,
            now: began,
            entra,
            targets,
            people,
            policy,
            store: Persisted::default(),
            sign_ins,
            weather,
            decider,
            watch,
            journal: Vec::new(),
            next_run: began,
            fate: Fate::Whole,
            expiry,
        }
    }

    /// Writes a line of the journal.
    pub fn tell(&mut self, line: impl std::fmt::Display) {
        let left = self.expiry.duration_since(self.now).as_hours() as f64 / 24.0;
        self.journal.push(format!("{} ({left:.1} d) {line}", self.now));
    }

    /// Lets time pass; people sign in meanwhile.
    pub fn pass_until(&mut self, then: Timestamp) {
        let then = then.max(self.now);
        let works = self.watch.can_sign_in(self.now, &self.entra, &self.targets).is_ok();
        self.sign_ins.note(self.now, then.duration_since(self.now), works);
        self.now = then;
    }

    /// What can be read now.
    pub fn observe(&mut self) -> Observed {
        use planning::rotation::{GraphReading, MetadataReading, TargetReading, Unread};
        let (now, weather) = (self.now, self.weather);
        let (preferred, certificates) = self.entra.graph(&mut self.random, now);
        let graph = match () {
            () if now < weather.forbidden => Err(Unread::Forbidden),
            () if now < weather.graph => Err(Unread::Failed),
            () => Ok(GraphReading { preferred, certificates }),
        };
        let mut certificates = self.entra.metadata(&mut self.random, now);
        let mut issuer = TENANT;
        if now < weather.foreign {
            issuer = Uuid::from_u128(8);
            certificates.retain(|_| false);
        }
        let metadata = match () {
            () if now < weather.metadata => Err(Unread::Failed),
            () => Ok(MetadataReading { entity_id: entity_id(issuer), certificates }),
        };
        let mut readings = BTreeMap::new();
        for target in &self.targets {
            let reading = target.reading(&mut self.random, now);
            let reading = if now < weather.lists { TargetReading::NotReadable } else { reading };
            readings.insert(target.id.clone(), reading);
        }
        let since = self.store.rotation.as_ref().and_then(|rotation| rotation.activated_at);
        let can_be_read = self.sign_ins.exist && now >= weather.evidence;
        let sign_ins = can_be_read.then(|| self.sign_ins.since(since.unwrap_or(now), now));
        Observed { graph, metadata, targets: readings, sign_ins }
    }
}

fn targets(random: &mut Rng, entra: &Entra, now: Timestamp) -> Vec<Trusting> {
    let Some(first) = entra.signing(now) else { return Vec::new() };
    let enforces_expiry = random.bool();
    let identity_center = match random.u8(0..10) {
        0..4 => Target::MANUAL,
        4..6 => Target::identity_center(false, false),
        _ => Target::identity_center(true, true),
    };
    let mut targets = vec![Trusting::new("identity-center", identity_center, enforces_expiry, first)];
    for number in 0..random.u8(0..3) {
        let arn = format!("arn:aws:iam::111122223333:saml-provider/{number}");
        let kind = Target::iam_saml_provider(&arn).map_or(Target::MANUAL, |(_, kind)| kind);
        // IAM does not act on the expiry of certificates.
        targets.push(Trusting::new(&arn, kind, false, first));
    }
    targets
}

impl SignInLog {
    /// True if anybody could read it at all.
    pub fn exist(&self) -> bool {
        self.exist
    }

    fn note(&mut self, at: Timestamp, time: SignedDuration, works: bool) {
        let count = time.as_secs_f64() / 3_600.0 * self.per_hour + self.carried;
        self.carried = count.fract();
        let count = count as u32;
        if count > 0 {
            let noise = count * BASELINE_PER_MILLE / 2_000;
            let (good, bad) = if works { (count - noise, noise) } else { (0, count) };
            self.entries.push((at, good, bad));
        }
    }

    /// Sign-ins since then, as far as they are known now.
    fn since(&mut self, since: Timestamp, now: Timestamp) -> SignIns {
        self.entries.retain(|(at, ..)| now.duration_since(*at) < days(40));
        let mut seen = SignIns { baseline_per_mille: BASELINE_PER_MILLE, ..SignIns::default() };
        for (_, good, bad) in
            self.entries.iter().filter(|(at, ..)| *at >= since && now.duration_since(*at) >= LATE)
        {
            seen.successes += good;
            seen.failures += bad;
        }
        let settled = self
            .entries
            .iter()
            .filter(|(at, ..)| at.duration_since(since) >= GRACE && now.duration_since(*at) >= LATE);
        seen.settled_successes = settled.map(|(_, good, _)| good).sum();
        seen
    }
}

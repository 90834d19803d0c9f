//! An operator's process: the product's operator and candidate on clocks of their own, and what its shell keeps between two of their words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portolan_operator::clock::{Clock, Reading};
use portolan_operator::index::Grant;
use portolan_operator::lease::{Tenure, candidate::Candidate, identity};
use portolan_operator::object::{ObjectKey, ObjectKind};
use portolan_operator::operator::Operator;
use portolan_operator::settings::Settings;
use portolan_operator::status::{Update, ledger::Ledger};

use super::api::{Api, NAMESPACE, Note};

/// Milliseconds since 1970 at which simulations begin.
const BEGAN: i64 = 1_800_000_000_000;

/// A machine's clocks, which run at a speed of their own and are set by faults.
pub struct Clocks {
    began: Instant,
    speed: f64,
    /// Nanoseconds of the steady clock, milliseconds of the other, both without what was set.
    steady: AtomicU64,
    steady_ahead: AtomicU64,
    wall_ahead: AtomicI64,
}

impl Clocks {
    fn new(began: Instant, speed: f64) -> Self {
        let zero = || AtomicU64::new(0);
        Self { began, speed, steady: zero(), steady_ahead: zero(), wall_ahead: AtomicI64::new(0) }
    }

    pub fn reading(&self) -> Reading {
        let steady = Duration::from_nanos(self.steady.load(Ordering::Relaxed));
        let ahead = Duration::from_nanos(self.steady_ahead.load(Ordering::Relaxed));
        let wall = BEGAN + steady.as_millis() as i64 + self.wall_ahead.load(Ordering::Relaxed);
        Reading { wall, steady: self.began + steady + ahead }
    }

    pub fn tell(&self, now: Duration) {
        self.steady.store(now.mul_f64(self.speed).as_nanos() as u64, Ordering::Relaxed);
    }

    /// How long this clock's time takes.
    pub fn real(&self, time: Duration) -> Duration {
        time.div_f64(self.speed)
    }

    pub fn set_wall(&self, by: i64) {
        self.wall_ahead.fetch_add(by, Ordering::Relaxed);
    }

    pub fn jump(&self, by: Duration) {
        self.steady_ahead.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

pub struct Replica {
    pub name: String,
    pub life: u64,
    pub clocks: Arc<Clocks>,
    pub operator: Operator,
    pub candidate: Candidate,
    /// The call that it waits for, and when it sent it by its own clock.
    pub waiting: Option<(u64, Instant)>,
    pub lease_wake: u64,
    pub stands: bool,
    pub leaving: bool,
    pub paused_until: Duration,
    pub cut_off_until: Duration,
    /// The position in the API server's history; before the first list there is none.
    pub seen: Option<usize>,
    pub watching: bool,
    pub publishing: bool,
    /// When it first saw each generation.
    pub saw: BTreeMap<(ObjectKey, u64), Duration>,
    pub ledger: Ledger,
    pub writing: Option<(u64, Update, Option<String>)>,
    pub retries: BTreeMap<ObjectKey, (Option<Instant>, u32)>,
    pub status_count: u64,
}

impl Replica {
    pub fn new(name: String, life: u64, mark: u32, began: Instant, speed: f64, now: Duration) -> Self {
        let clocks = Arc::new(Clocks::new(began, speed));
        clocks.tell(now);
        let clock: Clock = {
            let clocks = Arc::clone(&clocks);
            Arc::new(move || clocks.reading())
        };
        let settings = Settings { open_without_authentication: true, ..Settings::default() };
        let operator = Operator::by(clock, settings);
        operator.set_tenure(Tenure::StandBy { holder: None });
        let candidate = Candidate::new(identity(&name, mark), clocks.reading().steady);
        Self {
            name,
            life,
            clocks,
            operator,
            candidate,
            waiting: None,
            lease_wake: 0,
            stands: false,
            leaving: false,
            paused_until: Duration::ZERO,
            cut_off_until: Duration::ZERO,
            seen: None,
            watching: false,
            publishing: false,
            saw: BTreeMap::new(),
            ledger: Ledger::default(),
            writing: None,
            retries: BTreeMap::new(),
            status_count: 0,
        }
    }

    pub fn now(&self) -> Instant {
        self.clocks.reading().steady
    }

    /// What it believes.
    pub fn tenure(&self) -> Tenure {
        self.candidate.tenure(self.now())
    }

    pub fn holds(&self) -> bool {
        matches!(self.tenure(), Tenure::Holder { .. })
    }

    /// All lists anew, as after a watch that was too long away.
    pub fn list(&mut self, api: &Api, now: Duration) {
        for kind in ObjectKind::ALL {
            if kind != ObjectKind::Secret {
                self.operator.replace(kind, None, api.list(kind));
            }
        }
        self.grant(api, api.granted);
        for (key, value) in api.all() {
            self.note(key.clone(), value["metadata"]["generation"].as_u64(), now);
        }
        self.seen = Some(api.history.len());
    }

    /// What the watches tell.
    pub fn watch(&mut self, api: &Api, now: Duration) {
        let Some(seen) = self.seen.replace(api.history.len()) else { return };
        for note in &api.history[seen..] {
            match note {
                Note::Applied(object) => {
                    if object.key().kind != ObjectKind::Secret || api.granted {
                        self.operator.apply((**object).clone());
                    }
                    let key = object.key();
                    let current = api.get(&key).and_then(|value| value["metadata"]["generation"].as_u64());
                    self.note(key, current, now);
                }
                Note::Deleted(key) => self.operator.delete(key),
                Note::Granted(granted) => self.grant(api, *granted && api.granted),
            }
        }
    }

    fn grant(&self, api: &Api, granted: bool) {
        if granted {
            self.operator.replace(ObjectKind::Secret, Some(NAMESPACE), api.list(ObjectKind::Secret));
        }
        self.operator.set_grant(NAMESPACE, if granted { Grant::Listed } else { Grant::Denied });
    }

    fn note(&mut self, key: ObjectKey, generation: Option<u64>, now: Duration) {
        if let Some(generation) = generation {
            self.saw.entry((key, generation)).or_insert(now);
        }
    }
}

//! Everything together on one virtual clock: what happens next, and to whom it happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fastrand::Rng;
use portolan_config::Name;
use portolan_config::proto::{FromGateway, FromOperator};
use portolan_dataplane::snapshot::compile::Settings;
use portolan_operator::lease::candidate::{Answer, Call};
use portolan_operator::status::Update;

use super::api::Api;
use super::pod::Pod;
use super::replica::Replica;
use super::wire::Wire;

/// How often each fault was had.
pub type Faults = BTreeMap<&'static str, u64>;

pub struct World {
    pub seed: u64,
    pub rng: Rng,
    began: Instant,
    pub now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    pub api: Api,
    pub replicas: Vec<Replica>,
    pub pods: Vec<Pod>,
    pub wires: BTreeMap<u64, Wire>,
    pub settings: Settings,
    /// Whether things go wrong.
    pub storm: bool,
    /// Steady clocks run at about the right speed, which is all that the lease asks of them.
    pub honest: bool,
    pub generation: u64,
    pub faults: Faults,
    /// How many events there were.
    pub happened: u64,
}

/// Who an event is for: a process, by its place and its life.
pub type Process = (usize, u64);

pub enum Event {
    // To an operator.
    List(Process),
    Watch(Process),
    Publish(Process),
    Tick(Process),
    LeaseDue(Process, u64),
    LeaseAnswered(Process, u64, Answer),
    StatusDue(Process),
    StatusAnswered(Process, u64, super::writer::Answer),
    Opened(u64, FromGateway),
    Up(u64),
    PodLost(u64),
    // To the API server.
    LeaseCall(Process, u64, Call),
    StatusCall(Process, u64, Update, Option<String>),
    // To a gateway.
    Dial(Process),
    Down(u64),
    OperatorLost(u64),
    Unanswered(u64),
    Keep(Process),
    Kept(Process, Vec<u8>, u64),
    Examine(Process, Name),
    // To everybody.
    Fault,
    Edit,
}

impl World {
    pub fn new(seed: u64, settings: Settings) -> Self {
        // What the product draws for itself is drawn from the seed too.
        fastrand::seed(seed);
        let mut world = Self {
            seed,
            rng: Rng::with_seed(seed),
            began: Instant::now(),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            count: 0,
            api: Api::default(),
            replicas: Vec::new(),
            pods: Vec::new(),
            wires: BTreeMap::new(),
            settings,
            storm: false,
            honest: seed.is_multiple_of(2),
            generation: 0,
            faults: Faults::new(),
            happened: 0,
        };
        world.api.grant(true);
        world.mend();
        for index in 0..2 + (seed / 2 % 2) as usize {
            let replica = world.replica(format!("operator-{index}"), 0);
            world.replicas.push(replica);
            world.boot(index);
        }
        for index in 0..2 + (seed / 4 % 2) as usize {
            world.pods.push(Pod::new(format!("gateway-{index}"), index == 1, &world.settings));
            world.after(Duration::from_millis(10), Event::Dial((index, 0)));
        }
        world
    }

    fn replica(&mut self, name: String, life: u64) -> Replica {
        let (mark, speed) = (self.rng.u32(..), 0.98 + 0.04 * self.rng.f64());
        Replica::new(name, life, mark, self.began, speed, self.now)
    }

    /// A new process in a replica's place.
    pub fn restart_replica(&mut self, index: usize) {
        let (name, life) = (self.replicas[index].name.clone(), self.replicas[index].life + 1);
        for wire in self.wires_of(index) {
            self.lose_replica(wire);
        }
        self.replicas[index] = self.replica(name, life);
        self.boot(index);
    }

    fn boot(&mut self, index: usize) {
        let process = (index, self.replicas[index].life);
        let pause = self.delay();
        self.after(pause, Event::List(process));
        self.after(Duration::from_secs(1), Event::Tick(process));
    }

    /// A new process in a gateway's place, with the same disk.
    pub fn restart_pod(&mut self, index: usize) {
        if let Some(id) = self.pods[index].wire.take() {
            self.lose_pod(id);
        }
        self.pods[index].restart(&self.settings);
        let life = self.pods[index].life;
        let pause = self.delay();
        self.after(pause, Event::Dial((index, life)));
    }

    pub fn after(&mut self, pause: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now + pause, self.count), event);
    }

    pub fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub fn within(&mut self, milliseconds: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.u64(milliseconds))
    }

    /// Milliseconds as a rule, and now and then so long that nobody waits for it any more.
    pub fn delay(&mut self) -> Duration {
        let slow = self.storm && self.rng.f64() < 0.03;
        self.within(if slow { 100..8000 } else { 1..30 })
    }

    /// Lets the time pass until `done`, for so long at most. Whether it was done.
    pub fn run(&mut self, time: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let (end, step) = (self.now + time, Duration::from_millis(500));
        while self.now < end {
            let until = (self.now + step).min(end);
            self.run_until(until);
            if done(self) {
                return true;
            }
        }
        false
    }

    fn run_until(&mut self, end: Duration) {
        while let Some(entry) = self.events.first_entry() {
            let at = entry.key().0;
            if at > end {
                break;
            }
            let event = entry.remove();
            self.now = at;
            self.happened += 1;
            for replica in &self.replicas {
                replica.clocks.tell(at);
            }
            self.happens(event);
            self.check();
        }
        self.now = end;
    }

    fn happens(&mut self, event: Event) {
        if let Some(until) = self.paused(&event) {
            // Who is paused takes everything in when it goes on.
            let pause = until - self.now;
            return self.after(pause, event);
        }
        match event {
            Event::List(process) => self.lists(process),
            Event::Watch(process) => self.watches(process),
            Event::Publish(process) => self.publishes(process),
            Event::Tick(process) => self.ticks(process),
            Event::LeaseDue(process, number) => self.lease_due(process, number),
            Event::LeaseAnswered(process, number, answer) => self.lease_answered(process, number, answer),
            Event::LeaseCall(process, number, call) => {
                let answer = self.api.keep_lease(call);
                self.reply(Event::LeaseAnswered(process, number, answer));
            }
            Event::StatusDue(process) => self.status_due(process),
            Event::StatusAnswered(process, number, answer) => self.status_answered(process, number, answer),
            Event::StatusCall(process, number, update, over) => self.status_call(process, number, &update, over),
            Event::Opened(id, subscribe) => self.opened(id, subscribe),
            Event::Up(id) => self.up(id),
            Event::PodLost(id) => self.pod_lost(id),
            Event::Dial(process) => self.dial(process),
            Event::Down(id) => self.down(id),
            Event::OperatorLost(id) => self.stream_ends(id),
            Event::Unanswered(id) => {
                if self.wires.get(&id).is_some_and(|wire| !wire.answered) {
                    self.stream_ends(id);
                }
            }
            Event::Keep(process) => self.keep(process),
            Event::Kept(process, bytes, forgotten) => self.kept(process, bytes, forgotten),
            Event::Examine(process, server) => self.examine(process, &server),
            Event::Fault => self.fault(),
            Event::Edit => self.edit(),
        }
    }

    /// An answer of the API server: it may be lost.
    pub fn reply(&mut self, event: Event) {
        if !self.storm || self.rng.f64() > 0.05 {
            let pause = self.delay();
            self.after(pause, event);
        }
    }

    /// Until when whoever the event is for is paused.
    fn paused(&self, event: &Event) -> Option<Duration> {
        let replica = |index: usize| self.replicas[index].paused_until;
        let pod = |index: usize| self.pods[index].paused_until;
        let until = match event {
            Event::List((index, _))
            | Event::Watch((index, _))
            | Event::Publish((index, _))
            | Event::Tick((index, _))
            | Event::LeaseDue((index, _), _)
            | Event::LeaseAnswered((index, _), ..)
            | Event::StatusDue((index, _))
            | Event::StatusAnswered((index, _), ..) => replica(*index),
            Event::Opened(id, _) | Event::Up(id) | Event::PodLost(id) => replica(self.wires.get(id)?.replica),
            Event::Dial((index, _)) | Event::Keep((index, _)) | Event::Examine((index, _), _) => pod(*index),
            Event::Down(id) | Event::OperatorLost(id) | Event::Unanswered(id) => pod(self.wires.get(id)?.pod),
            _ => return None,
        };
        (until > self.now).then_some(until)
    }

    pub fn wires_of(&self, replica: usize) -> Vec<u64> {
        self.wires.iter().filter(|(_, wire)| wire.replica == replica).map(|(id, _)| *id).collect()
    }

    // === Messages ===

    pub fn send_up(&mut self, id: u64, message: FromGateway) {
        let pause = self.delay();
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.cut) else { return };
        wire.up.push_back(message);
        wire.up_at = (self.now + pause).max(wire.up_at);
        let pause = wire.up_at - self.now;
        self.after(pause, Event::Up(id));
    }

    pub fn send_down(&mut self, id: u64, message: FromOperator) {
        let pause = self.delay();
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.cut) else { return };
        wire.down.push_back(message);
        wire.down_at = (self.now + pause).max(wire.down_at);
        let pause = wire.down_at - self.now;
        self.after(pause, Event::Down(id));
    }

    /// The operator's end is gone, and the gateway learns it sooner or later.
    pub fn lose_replica(&mut self, id: u64) {
        let pause = if self.rng.bool() { self.within(1..30) } else { self.within(1..5000) };
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.cut();
            wire.served = None;
            self.after(pause, Event::OperatorLost(id));
        }
    }

    /// The gateway's end is gone.
    pub fn lose_pod(&mut self, id: u64) {
        let pause = if self.rng.bool() { self.within(1..30) } else { self.within(1..20_000) };
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.cut();
            self.after(pause, Event::PodLost(id));
        }
    }
}

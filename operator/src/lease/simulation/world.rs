//! Replicas, an API server and a network between them, all on one virtual clock.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::lease::{
    Lease, TERM, Tenure,
    candidate::{Answer, Call, Candidate},
    identity,
};

/// How long a replica waits for an answer, as the keeper does.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct World {
    rng: Rng,
    began: Instant,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    count: u64,
    replicas: Vec<Replica>,
    lease: Option<Lease>,
    version: u64,
    seed: u64,
    pub(super) takings: u64,
}

struct Replica {
    candidate: Candidate,
    name: String,
    /// Its clock's seconds in a second.
    speed: f64,
    paused_until: Duration,
    cut_off_until: Duration,
    /// The call that it waits for, and when it sent it by its own clock.
    waiting: Option<(u64, Instant)>,
    /// The epoch in which it serves.
    serving: Option<u64>,
    leaving: bool,
    /// The wake-up that counts: another one takes its place.
    wake: u64,
}

enum Event {
    Wake(usize, u64),
    /// A call reaches the API server.
    Arrives(usize, u64, Call),
    Answered(usize, u64, Answer),
    Fault,
}

impl World {
    pub(super) fn new(seed: u64, replicas: usize) -> Self {
        let mut world = Self {
            rng: Rng::with_seed(seed),
            began: Instant::now(),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            count: 0,
            replicas: Vec::new(),
            lease: None,
            version: 0,
            seed,
            takings: 0,
        };
        for position in 0..replicas {
            let replica = world.replica(format!("replica-{position}"));
            world.replicas.push(replica);
            world.wake(position, Duration::from_millis(position as u64));
        }
        world
    }

    /// Lets the time pass, with faults or without.
    pub(super) fn run(&mut self, time: Duration, storm: bool) {
        let end = self.now + time;
        if storm {
            self.after(Duration::ZERO, Event::Fault);
        }
        while let Some(entry) = self.events.first_entry() {
            let at = entry.key().0;
            if at > end {
                break;
            }
            let event = entry.remove();
            self.now = at;
            self.happens(event, storm);
            self.check();
        }
        self.now = end;
    }

    /// Who holds now.
    pub(super) fn holder(&self) -> Option<String> {
        let holds = |replica: &&Replica| matches!(self.tenure(replica), Tenure::Holder { .. });
        self.replicas.iter().find(holds).map(|replica| replica.name.clone())
    }

    fn replica(&mut self, name: String) -> Replica {
        self.count += 1;
        let identity = identity(&name, self.rng.u32(..));
        let speed = 0.98 + 0.04 * self.rng.f64();
        let now = self.began + self.now.mul_f64(speed);
        Replica {
            candidate: Candidate::new(identity, now),
            name,
            speed,
            paused_until: Duration::ZERO,
            cut_off_until: Duration::ZERO,
            waiting: None,
            serving: None,
            leaving: false,
            wake: 0,
        }
    }

    /// The same pod begins again.
    fn restart(&mut self, who: usize) {
        self.replicas[who] = self.replica(self.replicas[who].name.clone());
    }

    fn wake(&mut self, who: usize, pause: Duration) {
        self.replicas[who].wake = self.count;
        self.after(pause, Event::Wake(who, self.count));
    }

    fn after(&mut self, pause: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now + pause, self.count), event);
    }

    fn clock(&self, replica: &Replica) -> Instant {
        self.began + self.now.mul_f64(replica.speed)
    }

    fn tenure(&self, replica: &Replica) -> Tenure {
        replica.candidate.tenure(self.clock(replica))
    }

    fn happens(&mut self, event: Event, storm: bool) {
        match event {
            // Who is paused takes everything in when it goes on.
            Event::Wake(who, _) | Event::Answered(who, ..) if self.replicas[who].paused_until > self.now => {
                let pause = self.replicas[who].paused_until - self.now;
                self.after(pause, event);
            }
            Event::Wake(who, number) if self.replicas[who].wake == number => self.wakes(who, storm),
            Event::Wake(..) => {}
            Event::Answered(who, number, answer) => self.answered(who, number, answer),
            Event::Arrives(who, number, call) => {
                let answer = self.serve(call);
                if !storm || self.rng.f64() > 0.05 {
                    let delay = self.delay(storm);
                    self.after(delay, Event::Answered(who, number, answer));
                }
            }
            Event::Fault if storm => {
                self.fault();
                let pause = Duration::from_millis(self.rng.u64(300..4000));
                self.after(pause, Event::Fault);
            }
            Event::Fault => {}
        }
    }

    fn wakes(&mut self, who: usize, storm: bool) {
        let now = self.clock(&self.replicas[who]);
        let replica = &mut self.replicas[who];
        if replica.leaving && !replica.candidate.is_named() {
            self.restart(who);
            return self.wake(who, Duration::from_millis(500));
        }
        if replica.waiting.is_some() {
            return;
        }
        let Some(call) = replica.candidate.next(now) else {
            let pause = (replica.candidate.due() - now).max(Duration::from_millis(1)).div_f64(replica.speed);
            return self.wake(who, pause);
        };
        self.count += 1;
        let number = self.count;
        replica.waiting = Some((number, now));
        let lost = replica.cut_off_until > self.now || storm && self.rng.f64() < 0.05;
        if !lost {
            let delay = self.delay(storm);
            self.after(delay, Event::Arrives(who, number, call));
        }
        self.after(PATIENCE, Event::Answered(who, number, Answer::Failed));
    }

    fn answered(&mut self, who: usize, number: u64, answer: Answer) {
        let now = self.clock(&self.replicas[who]);
        let replica = &mut self.replicas[who];
        let Some((_, sent)) = replica.waiting.filter(|(waiting, _)| *waiting == number) else { return };
        replica.waiting = None;
        replica.candidate.answered(answer, sent, now);
        self.wake(who, Duration::ZERO);
    }

    /// Milliseconds as a rule, and now and then so long that nobody waits for the answer any more.
    fn delay(&mut self, storm: bool) -> Duration {
        let slow = storm && self.rng.f64() < 0.05;
        Duration::from_millis(if slow { self.rng.u64(100..10_000) } else { self.rng.u64(1..30) })
    }

    /// The API server: a write that expects another version is refused.
    fn serve(&mut self, call: Call) -> Answer {
        let draft = match call {
            Call::Read => return Answer::Seen(self.lease.clone()),
            Call::Write(draft) => draft,
        };
        if draft.over != self.lease.as_ref().map(|lease| lease.version.clone()) {
            return Answer::Conflict;
        }
        if let Some(before) = &self.lease {
            let taken = draft.holder.is_some() && draft.holder != before.holder;
            let above = if taken { draft.epoch > before.epoch } else { draft.epoch >= before.epoch };
            assert!(above, "seed {}: {:?} writes epoch {} over {before:?}", self.seed, draft.holder, draft.epoch);
            self.takings += u64::from(taken);
        }
        self.version += 1;
        let version = self.version.to_string();
        let lease = Lease { holder: draft.holder, epoch: draft.epoch, term: TERM, version };
        self.lease = Some(lease.clone());
        Answer::Written(lease)
    }

    fn fault(&mut self) {
        // Whoever holds is what faults are about.
        let holder = self.replicas.iter().position(|replica| replica.serving.is_some());
        let any = self.rng.usize(0..self.replicas.len());
        let who = holder.filter(|_| self.rng.bool()).unwrap_or(any);
        let until = self.now + Duration::from_millis(self.rng.u64(0..20_000));
        let now = self.clock(&self.replicas[who]);
        match self.rng.u8(0..6) {
            0 => self.replicas[who].paused_until = until,
            1 => self.replicas[who].cut_off_until = until,
            2 => self.replicas.iter_mut().for_each(|replica| replica.cut_off_until = until),
            // Killed. What it has sent is still on its way.
            3 => self.restart(who),
            4 => {
                let replica = &mut self.replicas[who];
                (replica.leaving, replica.serving) = (true, None);
                replica.candidate.leave(now);
            }
            _ => {
                let claim = self.lease.as_ref().map_or(0, |lease| lease.epoch) + self.rng.u64(0..3);
                self.replicas[who].candidate.claimed(claim, now);
            }
        }
        self.wake(who, Duration::ZERO);
    }

    /// What must hold at every moment.
    fn check(&mut self) {
        let tenures: Vec<Tenure> = self.replicas.iter().map(|replica| self.tenure(replica)).collect();
        let holders = tenures.iter().filter(|tenure| matches!(tenure, Tenure::Holder { .. })).count();
        assert!(holders <= 1, "seed {} at {:?}: {tenures:?}", self.seed, self.now);
        let newest = self.lease.as_ref().map_or(0, |lease| lease.epoch);
        for (replica, tenure) in self.replicas.iter_mut().zip(tenures) {
            if let (Some(before), now) = (replica.serving, tenure.epoch()) {
                let later = newest > before && now.is_none_or(|now| now > before);
                assert!(now == Some(before) || later, "seed {}: epoch {before} ended for {now:?}", self.seed);
            }
            replica.serving = tenure.epoch();
        }
    }
}

//! What happens to operators: watches, publications, the lease and gateways' messages, as the product's shells drive them.

use std::time::Duration;

use futures::FutureExt;
use portolan_config::proto::{FromGateway, from_gateway, from_operator};
use portolan_operator::core::Flow;
use portolan_operator::lease::candidate::{Answer, Call};
use portolan_operator::publish::DEBOUNCE;

use super::wire::Served;
use super::world::{Event, Process, World};

/// How long a replica waits for an answer about the lease.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long acknowledgements may take to become part of a status.
const GATHER: Duration = Duration::from_millis(100);

impl World {
    pub fn runs(&self, (index, life): Process) -> bool {
        self.replicas[index].life == life
    }

    // === Objects ===

    pub fn lists(&mut self, process: Process) {
        if !self.runs(process) {
            return;
        }
        if self.replicas[process.0].cut_off_until > self.now {
            return self.after(Duration::from_millis(500), Event::List(process));
        }
        self.replicas[process.0].list(&self.api, self.now);
        self.settle(process.0);
    }

    pub fn watches(&mut self, process: Process) {
        if !self.runs(process) {
            return;
        }
        if self.replicas[process.0].cut_off_until > self.now {
            return self.after(Duration::from_millis(500), Event::Watch(process));
        }
        let replica = &mut self.replicas[process.0];
        replica.watching = false;
        replica.watch(&self.api, self.now);
        self.settle(process.0);
    }

    /// Tells everybody who watches that there is something new.
    pub fn announce(&mut self) {
        let length = self.api.history.len();
        for index in 0..self.replicas.len() {
            let replica = &mut self.replicas[index];
            if replica.seen.is_some_and(|seen| seen < length) && !std::mem::replace(&mut replica.watching, true) {
                let process = (index, replica.life);
                let pause = self.delay();
                self.after(pause, Event::Watch(process));
            }
        }
    }

    pub fn publishes(&mut self, process: Process) {
        if self.runs(process) {
            self.replicas[process.0].publishing = false;
            self.replicas[process.0].operator.publish_now();
            self.settle(process.0);
        }
    }

    pub fn ticks(&mut self, process: Process) {
        if self.runs(process) {
            self.replicas[process.0].operator.tick();
            self.settle(process.0);
            self.status_due(process);
            self.after(Duration::from_secs(1), Event::Tick(process));
        }
    }

    // === After anything ===

    /// What the product's shells wake up for: streams that have something to say, edits to publish, statuses to write, claims of gateways.
    pub fn settle(&mut self, index: usize) {
        for id in self.wires_of(index) {
            self.poll(id);
        }
        let replica = &mut self.replicas[index];
        let process = (index, replica.life);
        let claim = *replica.operator.claims().borrow();
        let now = replica.now();
        replica.candidate.claimed(claim, now);
        let ready = replica.operator.is_ready();
        let publish = ready && replica.operator.dirtied().now_or_never().is_some();
        let publish = publish && !std::mem::replace(&mut replica.publishing, true);
        let count = *replica.operator.status_changes().borrow();
        let status = std::mem::replace(&mut replica.status_count, count) != count;
        let begins = ready && !std::mem::replace(&mut replica.stands, true);
        let due = replica.stands && replica.waiting.is_none() && replica.candidate.due() <= now;
        if publish {
            self.after(DEBOUNCE, Event::Publish(process));
        }
        if status {
            self.after(GATHER, Event::StatusDue(process));
        }
        if begins || due {
            self.wake_lease(index, Duration::ZERO);
        }
        self.announce();
    }

    fn poll(&mut self, id: u64) {
        let Some(served) = self.wires.get_mut(&id).and_then(|wire| wire.served.as_mut()) else { return };
        let let_go = served.let_go();
        let messages = if let_go.is_none() { served.link.poll() } else { Vec::new() };
        let refused =
            messages.iter().any(|message| matches!(message.message, Some(from_operator::Message::Refused(_))));
        let over = refused || let_go.is_some();
        for message in messages.into_iter().chain(let_go.map(Into::into)) {
            self.send_down(id, message);
        }
        if over && let Some(wire) = self.wires.get_mut(&id) {
            wire.served = None;
        }
    }

    // === Streams ===

    pub fn opened(&mut self, id: u64, first: FromGateway) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let process = (wire.replica, wire.replica_life);
        if !self.runs(process) {
            return self.lose_replica(id);
        }
        let Some(from_gateway::Message::Subscribe(subscribe)) = first.message else { return };
        match self.replicas[process.0].operator.subscribe(subscribe) {
            Ok(link) => {
                if let Some(wire) = self.wires.get_mut(&id) {
                    wire.served = Some(Served::new(link, self.now));
                    wire.answered = true;
                }
            }
            Err(refused) => self.send_down(id, refused.into()),
        }
        self.settle(process.0);
    }

    pub fn up(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Some(message) = wire.up.pop_front() else { return };
        let replica = wire.replica;
        let Some(served) = &mut wire.served else { return };
        if served.link.receive(message) == Flow::End {
            self.lose_replica(id);
        }
        self.settle(replica);
    }

    pub fn pod_lost(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let (replica, pod) = (wire.replica, wire.pod);
        wire.served = None;
        if self.pods[pod].wire != Some(id) {
            self.wires.remove(&id);
        }
        self.settle(replica);
    }

    // === The lease ===

    pub fn wake_lease(&mut self, index: usize, pause: Duration) {
        let number = self.number();
        self.replicas[index].lease_wake = number;
        let process = (index, self.replicas[index].life);
        self.after(pause, Event::LeaseDue(process, number));
    }

    pub fn lease_due(&mut self, process: Process, number: u64) {
        let index = process.0;
        if !self.runs(process) || self.replicas[index].lease_wake != number || self.replicas[index].waiting.is_some() {
            return;
        }
        let replica = &mut self.replicas[index];
        if replica.leaving && !replica.candidate.is_named() {
            return self.restart_replica(index);
        }
        let now = replica.now();
        let Some(call) = replica.candidate.next(now) else {
            replica.operator.set_tenure(replica.candidate.tenure(now));
            let pause = replica.candidate.due().saturating_duration_since(now).max(Duration::from_millis(1));
            let pause = replica.clocks.real(pause);
            self.settle(index);
            return self.wake_lease(index, pause);
        };
        let cut_off = replica.cut_off_until > self.now;
        let (call_number, writes) = (self.number(), matches!(call, Call::Write(_)));
        self.replicas[index].waiting = Some((call_number, now));
        if !(cut_off || self.storm && self.rng.f64() < 0.05) {
            let pause = self.delay();
            self.after(pause, Event::LeaseCall(process, call_number, call));
        }
        self.after(PATIENCE, Event::LeaseAnswered(process, call_number, Answer::Failed));
        if writes && self.storm && self.rng.f64() < 0.05 {
            // The moment at which a pause is the worst: it has the lease, and learns it when it may be another's.
            let until = self.now + self.within(0..12_000);
            self.pause_replica(index, until);
        }
    }

    pub fn lease_answered(&mut self, process: Process, number: u64, answer: Answer) {
        if !self.runs(process) {
            return;
        }
        let replica = &mut self.replicas[process.0];
        let Some((_, sent)) = replica.waiting.filter(|(waiting, _)| *waiting == number) else { return };
        replica.waiting = None;
        let now = replica.now();
        replica.candidate.answered(answer, sent, now);
        replica.operator.set_tenure(replica.candidate.tenure(now));
        self.settle(process.0);
        self.wake_lease(process.0, Duration::ZERO);
    }
}

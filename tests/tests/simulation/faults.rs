//! What goes wrong, and what people do meanwhile.

use std::time::Duration;

use portolan_operator::object::ObjectKind;

use super::objects::{self, Edit};
use super::world::{Event, World};

impl World {
    /// Begins or ends a storm. At its end everything that was broken begins to heal.
    pub fn set_storm(&mut self, storm: bool) {
        self.storm = storm;
        if storm {
            self.after(Duration::from_millis(500), Event::Fault);
            self.after(Duration::from_millis(500), Event::Edit);
        }
    }

    /// Every object as it ought to be.
    pub fn mend(&mut self) {
        for key in objects::keys() {
            self.generation += 1;
            self.api.edit(objects::object(&key, self.generation, Edit::Good));
        }
        self.api.grant(true);
        self.announce();
    }

    pub fn edit(&mut self) {
        if !self.storm {
            return;
        }
        let keys = objects::keys();
        let key = &keys[self.rng.usize(..keys.len())];
        self.generation += 1;
        match self.rng.u8(0..10) {
            0 => self.api.delete(key),
            1 | 2 => {
                let granted = !self.api.granted;
                self.api.grant(granted);
            }
            3 | 4 if key.kind != ObjectKind::Secret => {
                self.api.edit(objects::object(key, self.generation, Edit::Bad));
            }
            5 | 6 => self.api.edit(objects::object(key, self.generation, Edit::Novel)),
            _ => self.api.edit(objects::object(key, self.generation, Edit::Good)),
        }
        self.announce();
        let pause = self.within(100..2500);
        self.after(pause, Event::Edit);
    }

    pub fn fault(&mut self) {
        if !self.storm {
            return;
        }
        // Whoever holds is what faults are about.
        let holder = self.replicas.iter().position(super::replica::Replica::holds);
        let any = self.rng.usize(0..self.replicas.len());
        let replica = holder.filter(|_| self.rng.bool()).unwrap_or(any);
        let pod = self.rng.usize(0..self.pods.len());
        let until = self.now + self.within(0..12_000);
        let kind = self.rng.u8(0..11);
        let word = match kind {
            0 => self.pause_replica(replica, until),
            1 => {
                self.replicas[replica].cut_off_until = until;
                "operator cut off"
            }
            2 => {
                self.replicas.iter_mut().for_each(|replica| replica.cut_off_until = until);
                "API server away"
            }
            3 => {
                self.restart_replica(replica);
                "operator killed"
            }
            4 => {
                let replica_ = &mut self.replicas[replica];
                let now = replica_.now();
                replica_.leaving = true;
                replica_.candidate.leave(now);
                replica_.operator.set_tenure(replica_.candidate.tenure(now));
                self.settle(replica);
                self.wake_lease(replica, Duration::ZERO);
                "operator stopped"
            }
            5 | 6 => {
                self.restart_pod(pod);
                "gateway killed"
            }
            7 => {
                self.pods[pod].paused_until = until;
                "gateway paused"
            }
            8 => {
                self.pods[pod].cut_off_until = until;
                self.cut(pod);
                "gateway cut off"
            }
            9 => {
                self.cut(pod);
                "connection cut"
            }
            _ => self.set_clock(replica),
        };
        *self.faults.entry(word).or_default() += 1;
        let pause = self.within(200..3000);
        self.after(pause, Event::Fault);
    }

    pub fn pause_replica(&mut self, replica: usize, until: Duration) -> &'static str {
        self.replicas[replica].paused_until = until;
        // Who does not say that it lives is left.
        let silence = self.within(3000..5000);
        if self.now + silence < until {
            for id in self.wires_of(replica) {
                self.after(silence, Event::OperatorLost(id));
            }
        }
        "operator paused"
    }

    fn cut(&mut self, pod: usize) {
        let Some(id) = self.pods[pod].wire else { return };
        self.lose_pod(id);
        let pause = self.within(0..5000);
        self.after(pause, Event::OperatorLost(id));
    }

    fn set_clock(&mut self, replica: usize) -> &'static str {
        let by = self.rng.i64(-3_600_000..3_600_000);
        self.replicas[replica].clocks.set_wall(by);
        if self.honest {
            return "wall clock set";
        }
        let jump = self.within(0..10_000);
        self.replicas[replica].clocks.jump(jump);
        "steady clock jumped"
    }
}

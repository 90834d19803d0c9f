//! What happens to gateways: connections, steps, files and examinations.

use std::time::Duration;

use portolan_config::Name;
use portolan_config::delta::client::Reaction;

use super::wire::Wire;
use super::world::{Event, Process, World};

/// Longest wait for a connection, and for the answer on it.
const CONNECT: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(2);

/// From a change to its write.
const REST: Duration = Duration::from_millis(200);

impl World {
    fn lives(&self, (index, life): Process) -> bool {
        self.pods[index].life == life
    }

    pub fn dial(&mut self, process: Process) {
        let (index, life) = process;
        if !self.lives(process) || self.pods[index].wire.is_some() {
            return;
        }
        let replicas = self.replicas.len();
        let pod = &mut self.pods[index];
        let subscribe = pod.follower.session.subscribe();
        let Some(replica) = pod.next_place(replicas) else { return };
        pod.served = false;
        let unreachable = pod.cut_off_until > self.now;
        let id = self.number();
        self.pods[index].wire = Some(id);
        let wire = Wire::new((index, life), (replica, self.replicas[replica].life));
        self.wires.insert(id, wire);
        if unreachable {
            return self.after(CONNECT, Event::OperatorLost(id));
        }
        let pause = self.delay();
        // Whatever comes after the first message comes after it.
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.up_at = self.now + pause;
        }
        self.after(pause, Event::Opened(id, subscribe));
        self.after(CONNECT + ANSWER, Event::Unanswered(id));
        for report in self.pods[index].follower.session.reports().collect::<Vec<_>>() {
            self.send_up(id, report);
        }
    }

    /// A gateway's stream is over for it: who is next, and when.
    pub fn stream_ends(&mut self, id: u64) {
        let Some(wire) = self.wires.get(&id) else { return };
        let process = (wire.pod, wire.pod_life);
        if !self.lives(process) || self.pods[wire.pod].wire != Some(id) {
            return;
        }
        self.lose_pod(id);
        let pod = &mut self.pods[process.0];
        pod.wire = None;
        let served = std::mem::take(&mut pod.served);
        if served {
            pod.rounds.end();
        }
        let pause = pod.pauses.after(served, !pod.rounds.is_over()).unwrap_or_default();
        self.after(pause, Event::Dial(process));
    }

    pub fn down(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let Some(message) = wire.down.pop_front() else { return };
        wire.answered = true;
        let process = (wire.pod, wire.pod_life);
        if !self.lives(process) || self.pods[process.0].wire != Some(id) {
            return;
        }
        let pod = &mut self.pods[process.0];
        match pod.follower.session.on_message(message) {
            Ok(Reaction::None) => {}
            Ok(Reaction::Send(message)) => self.send_up(id, message),
            Ok(Reaction::Refused { .. }) | Err(_) => self.stream_ends(id),
            Ok(Reaction::Change(change)) => {
                let ack = pod.apply(&change);
                self.send_up(id, ack);
                self.touch(process);
                for server in self.pods[process.0].unexamined() {
                    let pause = self.within(50..800);
                    self.after(pause, Event::Examine(process, server));
                }
            }
        }
    }

    pub fn examine(&mut self, process: Process, server: &Name) {
        if self.lives(process) {
            let report = self.pods[process.0].report(server);
            if let Some(id) = self.pods[process.0].wire {
                self.send_up(id, report);
            }
        }
    }

    fn touch(&mut self, process: Process) {
        let pod = &mut self.pods[process.0];
        if !std::mem::replace(&mut pod.keeping, true) {
            self.after(REST, Event::Keep(process));
        }
    }

    pub fn keep(&mut self, process: Process) {
        if self.lives(process) {
            let pod = &mut self.pods[process.0];
            pod.dirty = false;
            let (bytes, forgotten) = (pod.follower.last_good().encode(), pod.disk.forgotten);
            let pause = self.within(1..50);
            self.after(pause, Event::Kept(process, bytes, forgotten));
        }
    }

    pub fn kept(&mut self, process: Process, bytes: Vec<u8>, forgotten: u64) {
        if self.lives(process) {
            let pod = &mut self.pods[process.0];
            if pod.disk.forgotten == forgotten {
                pod.disk.content = Some(bytes);
            }
            pod.keeping = false;
            if pod.dirty {
                self.touch(process);
            }
        }
    }
}

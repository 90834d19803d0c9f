//! The status writer's shell: one write at a time, each judged by the product's ledger, again with a pause where it failed.

use std::time::Duration;

use portolan_operator::status::{Update, ledger::Verdict};

use super::api::Written;
use super::world::{Event, Process, World};

/// Longest wait for one write.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a write.
pub enum Answer {
    Written(String),
    Gone,
    Again,
}

impl World {
    pub fn status_due(&mut self, process: Process) {
        if !self.runs(process) || self.replicas[process.0].writing.is_some() {
            return;
        }
        let replica = &mut self.replicas[process.0];
        let now = replica.now();
        for (key, (at, _)) in &mut replica.retries {
            if at.take_if(|at| *at <= now).is_some() {
                replica.operator.requeue(key.clone());
            }
        }
        while let Some(update) = self.replicas[process.0].operator.next_update() {
            let replica = &mut self.replicas[process.0];
            match replica.ledger.judge(&update, now) {
                Verdict::Skip => {}
                Verdict::Later(at) => replica.retries.entry(update.object).or_default().0 = Some(at),
                Verdict::Write(over) => return self.write(process, update, over),
            }
        }
    }

    fn write(&mut self, process: Process, update: Update, over: Option<String>) {
        self.check_writer(process.0, &update, over.as_deref());
        let number = self.number();
        self.replicas[process.0].writing = Some((number, update.clone(), over.clone()));
        let cut_off = self.replicas[process.0].cut_off_until > self.now;
        if !(cut_off || self.storm && self.rng.f64() < 0.05) {
            let pause = self.delay();
            self.after(pause, Event::StatusCall(process, number, update, over));
        }
        self.after(PATIENCE, Event::StatusAnswered(process, number, Answer::Again));
    }

    pub fn status_call(&mut self, process: Process, number: u64, update: &Update, over: Option<String>) {
        let answer = match self.api.write_status(update, over.as_deref()) {
            Written::Yes(version) => Answer::Written(version),
            Written::Conflict => Answer::Again,
            Written::Gone => Answer::Gone,
        };
        self.reply(Event::StatusAnswered(process, number, answer));
        self.announce();
    }

    pub fn status_answered(&mut self, process: Process, number: u64, answer: Answer) {
        if !self.runs(process) {
            return;
        }
        let replica = &mut self.replicas[process.0];
        let Some((_, update, over)) = replica.writing.take_if(|(writing, ..)| *writing == number) else { return };
        let now = replica.now();
        match answer {
            Answer::Written(own) => {
                replica.retries.remove(&update.object);
                replica.ledger.written(update, over, Some(own), now);
            }
            Answer::Gone => {
                replica.retries.remove(&update.object);
                replica.ledger.forget(&update.object);
            }
            Answer::Again => {
                let times = replica.retries.get(&update.object).map_or(0, |(_, times)| *times);
                let pause = Duration::from_millis(200 * 2_u64.pow(times.min(8))).min(Duration::from_secs(30));
                replica.retries.insert(update.object, (Some(now + pause), times + 1));
            }
        }
        self.status_due(process);
    }
}

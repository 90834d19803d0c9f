//! Does what the schedule says, to real processes, connections, disks and servers, and writes down when it was done and undone.
//!
//! A fault is over when whoever was killed is back and ready. A process that ends without being asked is a finding.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures::future::try_join_all;
use parking_lot::Mutex;
use tokio::time::sleep;

use super::{
    ledger::Happened,
    scene::Scene,
    schedule::{Fault, Harm, Outage, What},
};
use crate::{
    eventually::found_within,
    fleet::{Fleet, Member},
};

/// Longest wait for a process to end, or to be ready again. A drain takes ten seconds and the calls that it waits for ten more.
const PATIENCE: Duration = Duration::from_mins(1);
/// From the first SIGTERM to the second.
const HURRY: Duration = Duration::from_millis(300);
/// How long etcd stands still, and goes on, in turn.
const STILL: Duration = Duration::from_millis(350);
const GOES: Duration = Duration::from_millis(150);

/// What was done, and what ended without being asked.
#[derive(Default)]
pub struct Hand {
    happened: Mutex<Vec<Happened>>,
    findings: Mutex<Vec<String>>,
}

/// A process of the fleet.
#[derive(Debug, Clone, Copy)]
enum Who {
    Operator(usize),
    Gateway(usize),
}

impl Who {
    fn of(self, fleet: &mut Fleet) -> &mut Member {
        match self {
            Self::Operator(number) => &mut fleet.operators[number],
            Self::Gateway(number) => &mut fleet.gateways[number],
        }
    }

    fn launch(self, fleet: &mut Fleet) -> anyhow::Result<()> {
        match self {
            Self::Operator(number) => fleet.launch_operator(number),
            Self::Gateway(number) => fleet.launch_gateway(number),
        }
    }
}

impl Hand {
    /// Carries the schedule out, from now on, and returns when the last fault is over.
    ///
    /// # Errors
    /// A fault could not be done: the harness is at fault.
    pub async fn carry_out(&self, scene: &Scene, faults: &[Fault]) -> anyhow::Result<()> {
        let began = Instant::now();
        // Who suffers is named by the fault but for its kind: one thing after the other.
        let mut lanes = BTreeMap::<_, Vec<&Fault>>::new();
        faults.iter().for_each(|fault| lanes.entry(lane(fault.what)).or_default().push(fault));
        let lanes = lanes.into_values().map(|lane| async move {
            for fault in lane {
                sleep((began + fault.at).saturating_duration_since(Instant::now())).await;
                let at = scene.clock.elapsed();
                let place = self.happened.lock().len();
                // Known from its beginning on, so that a failure shows it.
                self.happened.lock().push(Happened { what: fault.what, began: at, ended: Duration::MAX });
                let done = self.suffer(scene, fault).await;
                self.happened.lock()[place].ended = scene.clock.elapsed();
                done.with_context(|| fault.what.to_string())?;
            }
            Ok::<_, anyhow::Error>(())
        });
        try_join_all(lanes).await?;
        for who in (0..super::schedule::OPERATORS).map(Who::Operator).chain((0..scene.disks.len()).map(Who::Gateway)) {
            self.expect_running(scene, who).await?;
        }
        Ok(())
    }

    /// What was done so far, by its beginning.
    #[must_use]
    pub fn happened(&self) -> Vec<Happened> {
        let mut happened = self.happened.lock().clone();
        happened.sort_by_key(|fault| fault.began);
        happened
    }

    /// What ended without being asked, or did not come back.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        self.findings.lock().clone()
    }

    async fn suffer(&self, scene: &Scene, fault: &Fault) -> anyhow::Result<()> {
        match fault.what {
            What::Operator(number, harm) => self.harm(scene, Who::Operator(number), harm, fault.lasts).await,
            What::Gateway(number, harm) => self.harm(scene, Who::Gateway(number), harm, fault.lasts).await,
            What::Stream(gateway, wire) => {
                scene.links[gateway].iter().for_each(|link| link.be(Some(wire)));
                sleep(fault.lasts).await;
                scene.links[gateway].iter().for_each(|link| link.be(None));
                Ok(())
            }
            What::Cluster(outage) => fail_below(scene, outage, fault.lasts).await,
            What::Disk(gateway, ailment) => {
                scene.disks[gateway].has(Some(ailment)).await?;
                sleep(fault.lasts).await;
                scene.disks[gateway].has(None).await
            }
            What::Server(server, mood) => {
                scene.servers.be(server, Some(mood));
                sleep(fault.lasts).await;
                scene.servers.be(server, None);
                Ok(())
            }
        }
    }

    async fn harm(&self, scene: &Scene, who: Who, harm: Harm, lasts: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        self.expect_running(scene, who).await?;
        match harm {
            Harm::Paused => {
                who.of(&mut *scene.fleet.lock().await).pause()?;
                sleep(lasts).await;
                return who.of(&mut *scene.fleet.lock().await).go_on();
            }
            Harm::Killed => who.of(&mut *scene.fleet.lock().await).kill9()?,
            Harm::Terminated | Harm::Hurried => {
                who.of(&mut *scene.fleet.lock().await).running().process.terminate()?;
                if harm == Harm::Hurried {
                    sleep(HURRY).await;
                    // It may have ended already.
                    let _ = who.of(&mut *scene.fleet.lock().await).running().process.terminate();
                }
                self.expect_end(scene, who).await?;
            }
        }
        sleep(lasts.saturating_sub(began.elapsed())).await;
        who.launch(&mut *scene.fleet.lock().await)?;
        self.expect_ready(scene, who).await
    }

    /// Whoever does not run has ended by itself: that is written down, and it is started again, as a cluster would.
    async fn expect_running(&self, scene: &Scene, who: Who) -> anyhow::Result<()> {
        let ended = match &mut who.of(&mut *scene.fleet.lock().await).running {
            Some(running) => running.process.has_ended()?.map(|status| status.to_string()),
            None => Some("nobody started it".to_owned()),
        };
        let Some(ended) = ended else { return Ok(()) };
        self.findings.lock().push(format!("{who:?} ended without being asked: {ended}"));
        who.launch(&mut *scene.fleet.lock().await)?;
        self.expect_ready(scene, who).await
    }

    async fn expect_end(&self, scene: &Scene, who: Who) -> anyhow::Result<()> {
        let ended = found_within(PATIENCE, async || {
            match who.of(&mut *scene.fleet.lock().await).running.as_mut().context("nobody started it") {
                Ok(running) => running.process.has_ended().transpose(),
                Err(error) => Some(Err(error)),
            }
        });
        let Some(status) = ended.await.transpose()? else {
            self.findings.lock().push(format!("{who:?} was asked to stop and has not in {PATIENCE:?}"));
            return who.of(&mut *scene.fleet.lock().await).kill9();
        };
        if !status.success() {
            self.findings.lock().push(format!("{who:?} was asked to stop and ended so: {status}"));
        }
        Ok(())
    }

    async fn expect_ready(&self, scene: &Scene, who: Who) -> anyhow::Result<()> {
        let began = Instant::now();
        let look = async || match who.of(&mut *scene.fleet.lock().await).running.as_mut() {
            Some(running) => running.process.is_ready().transpose(),
            None => Some(Err(anyhow::anyhow!("nobody started it"))),
        };
        while let Some(ready) = found_within(PATIENCE.saturating_sub(began.elapsed()), look).await {
            let Err(error) = ready else { return Ok(()) };
            self.findings.lock().push(format!("{who:?}: {error:#}"));
            who.launch(&mut *scene.fleet.lock().await)?;
        }
        self.findings.lock().push(format!("{who:?} was started and is not ready in {PATIENCE:?}"));
        Ok(())
    }
}

fn lane(what: What) -> (u8, usize) {
    match what {
        What::Operator(number, _) => (0, number),
        What::Gateway(number, _) => (1, number),
        What::Stream(number, _) => (2, number),
        What::Cluster(_) => (3, 0),
        What::Disk(number, _) => (4, number),
        What::Server(number, _) => (5, number),
    }
}

async fn fail_below(scene: &Scene, outage: Outage, lasts: Duration) -> anyhow::Result<()> {
    let began = Instant::now();
    match outage {
        Outage::ApiStopped => scene.cluster.stop_api().await?,
        Outage::ApiKilled => scene.cluster.kill_api()?,
        Outage::EtcdSlow => {
            while began.elapsed() < lasts {
                scene.cluster.pause_etcd()?;
                sleep(STILL).await;
                scene.cluster.etcd_goes_on()?;
                sleep(GOES).await;
            }
            return Ok(());
        }
    }
    sleep(lasts.saturating_sub(began.elapsed())).await;
    scene.cluster.start_api().await
}

//! What must hold: at every event, of every status that is written, and when the storm is over. What a single gateway must hold to is checked in
//! `pod`, whenever what it serves changes.

use portolan_config::Name;
use portolan_operator::lease::Tenure;
use portolan_operator::object::ObjectKind;
use portolan_operator::status::Update;
use serde_json::Value;

use super::objects;
use super::pod::Pod;
use super::replica::Replica;
use super::wire::Served;
use super::world::World;

impl World {
    /// At every event.
    pub fn check(&self) {
        if self.honest {
            let holders = self.replicas.iter().filter(|replica| replica.holds()).count();
            assert!(holders <= 1, "seed {} at {:?}: {holders} replicas hold", self.seed, self.now);
        }
    }

    /// Of every status that an operator is about to write.
    pub fn check_writer(&self, index: usize, update: &Update, over: Option<&str>) {
        let replica = &self.replicas[index];
        let at = format!("seed {} at {:?}: {} on {}", self.seed, self.now, replica.name, update.object);
        assert!(replica.tenure().writes(replica.now()), "{at}: writes status as {:?}", replica.tenure());
        let stored = self.api.get(&update.object);
        if over.is_some() && over != stored.and_then(|stored| stored["metadata"]["resourceVersion"].as_str()) {
            // Somebody else has written since: it goes on with what it saw, and the API server will not take it.
            return;
        }
        let Some(generation) = newly_programmed(&update.status, stored) else { return };
        let Some(seen) = replica.saw.get(&(update.object.clone(), generation)) else { return };
        if update.object.kind == ObjectKind::McpPolicy {
            // Its body does not show its generation.
            return;
        }
        let name = objects::resource(&update.object);
        for wire in self.wires.values().filter(|wire| (wire.replica, wire.replica_life) == (index, replica.life)) {
            let since_before = wire.served.as_ref().is_some_and(|served: &Served| served.since < *seen);
            let pod = &self.pods[wire.pod];
            if since_before && current(self, wire.pod, wire.replica) {
                let has = pod.witness.generations.get(&name).copied().unwrap_or_default();
                assert!(has >= generation, "{at}: Programmed in generation {generation}, but {} has {has}", pod.name);
            }
        }
    }

    /// Who holds, if it is one.
    pub fn holder(&self) -> Option<usize> {
        let holders: Vec<usize> = (0..self.replicas.len()).filter(|index| self.replicas[*index].holds()).collect();
        <[usize; 1]>::try_from(holders).ok().map(|[holder]| holder)
    }

    /// Whether every gateway is in step with the one holder and serves what the objects say, and status says so.
    pub fn has_converged(&self, expected: &str) -> Result<(), String> {
        let holder = self.holder().ok_or("nobody holds, or several do")?;
        for pod in &self.pods {
            let wire = pod.wire.and_then(|id| self.wires.get(&id)).filter(|wire| wire.served.is_some());
            if wire.is_none_or(|wire| wire.replica != holder || wire.replica_life != self.replicas[holder].life) {
                return Err(format!("{} does not follow the holder", pod.name));
            }
            if pod.serves.id() != expected {
                return Err(format!(
                    "{} serves something else: {:?}",
                    pod.name,
                    pod.serves.resources().collect::<Vec<_>>()
                ));
            }
        }
        for (key, value) in self.api.all().filter(|(key, _)| key.kind.has_status()) {
            let programmed = conditions(&value["status"]).find(|condition| condition["type"] == "Programmed");
            let told = programmed.is_some_and(|condition| {
                condition["status"] == "True" && condition["observedGeneration"] == value["metadata"]["generation"]
            });
            if !told {
                return Err(format!("{key} is not programmed: {}", value["status"]));
            }
        }
        Ok(())
    }

    /// Whether some gateway serves a Secret.
    pub fn serves_secret(&self) -> bool {
        let is_secret = |name: &Name| name.kind() == portolan_config::Kind::Secret;
        self.pods.iter().any(|pod| pod.serves.resources().any(|(name, _)| is_secret(name)))
    }
}

/// Whether the operator's end of the stream is the newest one of that gateway: an older one no longer counts.
fn current(world: &World, pod: usize, replica: usize) -> bool {
    let mut streams = world.wires.values().filter(|wire| wire.pod == pod && wire.replica == replica);
    streams.next_back().is_some_and(|newest| newest.served.is_some())
}

/// The conditions of any of our kinds.
fn conditions(status: &Value) -> impl Iterator<Item = &Value> {
    let nested = ["parents", "ancestors"].into_iter().filter_map(|field| status[field].as_array()).flatten();
    let lists = std::iter::once(&status["conditions"]).chain(nested.map(|entry| &entry["conditions"]));
    lists.filter_map(Value::as_array).flatten()
}

/// The generation that a status calls programmed and the API server does not yet.
fn newly_programmed(status: &Value, stored: Option<&Value>) -> Option<u64> {
    let of = |status: &Value| {
        let programmed = conditions(status).find(|condition| condition["type"] == "Programmed")?;
        (programmed["status"] == "True").then(|| programmed["observedGeneration"].as_u64())?
    };
    of(status).filter(|generation| stored.and_then(|stored| of(&stored["status"])) != Some(*generation))
}

/// What gateways serve when a fresh operator tells fresh gateways of these objects.
pub fn expected(world: &World) -> String {
    let now = world.now;
    let mut replica = Replica::new("reference".to_owned(), 0, 0, std::time::Instant::now(), 1.0, now);
    replica.operator.set_tenure(Tenure::Alone);
    replica.list(&world.api, now);
    replica.operator.publish_now();
    let mut pods: Vec<Pod> = world.pods.iter().map(|pod| Pod::new(pod.name.clone(), false, &world.settings)).collect();
    let mut links: Vec<_> = pods.iter_mut().map(|pod| subscribed(pod, &replica)).collect();
    for _ in 0..50 {
        replica.operator.publish_now();
        for (pod, link) in pods.iter_mut().zip(&mut links) {
            exchange(pod, link);
        }
    }
    let mut ids: Vec<String> = pods.iter().map(|pod| pod.serves.id()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "the reference disagrees with itself");
    ids.remove(0)
}

fn subscribed(pod: &mut Pod, replica: &Replica) -> portolan_operator::operator::Link {
    match pod.follower.session.subscribe().message {
        Some(portolan_config::proto::from_gateway::Message::Subscribe(subscribe)) => {
            replica.operator.subscribe(subscribe).expect("it serves alone")
        }
        _ => unreachable!("the first message subscribes"),
    }
}

fn exchange(pod: &mut Pod, link: &mut portolan_operator::operator::Link) {
    use portolan_config::delta::client::Reaction;
    for message in link.poll() {
        match pod.follower.session.on_message(message).expect("the reference keeps to the protocol") {
            Reaction::Change(change) => {
                let ack = pod.apply(&change);
                link.receive(ack);
                for server in pod.unexamined() {
                    let report = pod.report(&server);
                    link.receive(report);
                }
            }
            Reaction::Send(message) => {
                link.receive(message);
            }
            _ => {}
        }
    }
}

//! Years of a fleet in which operators, gateways and kubelets are late, away or new, and nothing that is good is ever refused.

use std::collections::BTreeMap;

use portolan_config::proto::KeysHeld;

use super::*;
use crate::identity::Lifetimes;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

fn settings() -> Settings {
    Settings {
        namespace: "system".to_owned(),
        fleet: "default".to_owned(),
        names: vec!["operator".to_owned()],
        certificates: true,
        lifetimes: Lifetimes::default(),
    }
}

/// Takes a change without any key being made.
fn apply(kept: &mut Kept, change: Change, settings: &Settings, now: i64, made: &mut usize) {
    *made += 1;
    let id = format!("{made}");
    let expires = now + seconds(settings.lifetimes.authority);
    let authority = Authority { name: String::new(), expires, certificate: String::new(), key: String::new() };
    let key = SealingKey { key: String::new() };
    match change {
        Change::Authorities(step) => {
            rotation::take(&mut kept.authorities, &step, now, || Ok::<_, ()>((id, authority))).unwrap();
        }
        Change::Keys(step) => rotation::take(&mut kept.keys, &step, now, || Ok::<_, ()>((id, key))).unwrap(),
        Change::Issue(Role::Operator, issued) => kept.operator = Some(issued),
        Change::Issue(Role::Gateway, issued) => kept.gateway = Some(issued),
    }
}

/// Does all that is due, as an operator does.
fn settle(kept: &mut Kept, settings: &Settings, holders: &Holders, now: i64, made: &mut usize) -> Vec<Change> {
    let mut changes = Vec::new();
    while let Some(change) = due(kept, settings, holders, now) {
        assert!(changes.len() < 20, "no end: {changes:?}");
        apply(kept, change.clone(), settings, now, made);
        changes.push(change);
    }
    changes
}

/// A gateway pod: what kubelet has mounted for it, and whether the operator hears it.
#[derive(Clone)]
struct Pod {
    keys: Vec<(String, State)>,
    certificate: Issued,
    mounted: i64,
    /// Until when its kubelet brings nothing new.
    stuck: i64,
    connected: bool,
}

impl Pod {
    fn new(kept: &Kept, now: i64) -> Self {
        let keys = kept.keys.iter().map(|one| (one.id.clone(), one.state)).collect();
        Self { keys, certificate: kept.gateway.clone().unwrap(), mounted: now, stuck: 0, connected: false }
    }

    fn sealing(&self) -> &str {
        &self.keys.iter().find(|(_, state)| *state == State::Current).unwrap().0
    }

    fn told(&self) -> KeysHeld {
        KeysHeld {
            key_ids: self.keys.iter().map(|(id, _)| id.clone()).collect(),
            sealing: self.sealing().to_owned(),
            authorities: self.certificate.trusts.clone(),
        }
    }
}

struct Simulation {
    random: fastrand::Rng,
    settings: Settings,
    kept: Kept,
    pods: Vec<Pod>,
    /// When a pod last sealed with each key.
    sealed: BTreeMap<String, i64>,
    operator_until: i64,
    operator_from: i64,
    changes: Vec<Change>,
    made: usize,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let (settings, mut kept, mut made) = (settings(), Kept::default(), 0);
        settle(&mut kept, &settings, &Holders::default(), 0, &mut made);
        let pods = vec![Pod::new(&kept, 0); 3];
        let random = fastrand::Rng::with_seed(seed);
        let (sealed, changes) = (BTreeMap::new(), Vec::new());
        Self { random, settings, kept, pods, sealed, operator_until: DAY, operator_from: 0, changes, made }
    }

    fn step(&mut self, now: i64) {
        let random = &mut self.random;
        for pod in &mut self.pods {
            // Kubelet is some minutes late, and now and then most of a day; a partition lasts minutes or hours.
            if now > pod.stuck && now - pod.mounted > random.i64(0..20 * MINUTE) {
                let stuck = if random.u8(..) < 2 { now + random.i64(0..20 * 60 * MINUTE) } else { now };
                *pod = Pod { stuck, connected: pod.connected, ..Pod::new(&self.kept, now) };
            }
            pod.connected = if pod.connected { random.u8(..) != 0 } else { random.u8(..) < 60 };
        }
        if random.u8(..) == 0 {
            let place = random.usize(..self.pods.len());
            self.pods[place] = Pod::new(&self.kept, now);
        }
        if now >= self.operator_until {
            // Away for up to a day and a half.
            self.operator_from = now + random.i64(MINUTE..DAY * 3 / 2);
            self.operator_until = self.operator_from + random.i64(DAY..20 * DAY);
        }
        if now >= self.operator_from {
            let told: Vec<KeysHeld> = self.pods.iter().filter(|pod| pod.connected).map(Pod::told).collect();
            let holders = Holders::of(&told, self.pods.len());
            self.changes.extend(settle(&mut self.kept, &self.settings, &holders, now, &mut self.made));
        }
    }

    fn check(&mut self, now: i64) {
        let trusted: Vec<&str> = self.kept.authorities.iter().map(|one| one.id.as_str()).collect();
        let operator = self.kept.operator.as_ref().unwrap();
        for pod in &self.pods {
            let shown = &pod.certificate;
            assert!(
                now > shown.expires || trusted.contains(&shown.authority.as_str()),
                "a good certificate is refused"
            );
            assert!(shown.trusts.contains(&operator.authority), "the operator's certificate is refused");
            assert!(now < shown.expires, "a certificate ended at {now}");
            self.sealed.insert(pod.sealing().to_owned(), now);
        }
        assert!(now < operator.expires, "the operator's certificate ended");
        assert!(self.kept.keys.len() <= RING_KEYS && self.kept.authorities.len() <= AUTHORITIES);
        let life = seconds(self.settings.lifetimes.sealed);
        self.sealed.retain(|_, last| now - *last < life);
        for (key, last) in &self.sealed {
            for pod in &self.pods {
                let opens = pod.keys.iter().any(|(id, _)| id == key);
                assert!(opens, "at {now} a session sealed at {last} is lost on a pod mounted at {}", pod.mounted);
            }
        }
    }
}

#[test]
fn over_years_no_session_is_lost_and_no_good_certificate_refused() {
    for seed in 0..3 {
        let mut simulation = Simulation::new(seed);
        for now in (0..3 * 365 * DAY).step_by(10 * 60) {
            simulation.step(now);
            simulation.check(now);
        }
        let count = |wanted: &Change| simulation.changes.iter().filter(|change| *change == wanted).count();
        let (keys, authorities) = (count(&Change::Keys(Step::Promote)), count(&Change::Authorities(Step::Promote)));
        assert!(keys > 100, "seed {seed}: keys were replaced {keys} times");
        assert!(authorities > 20, "seed {seed}: authorities were replaced {authorities} times");
    }
}

#[test]
fn the_first_pass_makes_everything_and_the_second_nothing() {
    let (settings, mut kept, mut made) = (settings(), Kept::default(), 0);
    let changes = settle(&mut kept, &settings, &Holders::default(), 1000, &mut made);
    assert!(
        matches!(
            &changes[..],
            [
                Change::Authorities(Step::Make(State::Current)),
                Change::Issue(Role::Operator, _),
                Change::Issue(Role::Gateway, _),
                Change::Keys(Step::Make(State::Current)),
            ]
        ),
        "{changes:?}"
    );
    assert_eq!(settle(&mut kept, &settings, &Holders::default(), 1001, &mut made), []);
}

#[test]
fn certificates_are_made_again_after_a_third_of_their_life_and_when_their_names_change() {
    let (mut settings, mut kept, mut made) = (settings(), Kept::default(), 0);
    settle(&mut kept, &settings, &Holders::default(), 0, &mut made);
    assert_eq!(due(&kept, &settings, &Holders::default(), DAY - 1), None);
    assert!(matches!(due(&kept, &settings, &Holders::default(), DAY), Some(Change::Issue(Role::Operator, _))));
    settings.names.push("another".to_owned());
    let changes = settle(&mut kept, &settings, &Holders::default(), 1, &mut made);
    assert!(matches!(&changes[..], [Change::Issue(Role::Operator, _)]), "{changes:?}");
}

#[test]
fn an_operator_that_was_away_for_a_year_starts_over_without_forgetting_anything_first() {
    let (settings, mut kept, mut made) = (settings(), Kept::default(), 0);
    settle(&mut kept, &settings, &Holders::default(), 0, &mut made);
    let before = kept.authorities[0].id.clone();
    settle(&mut kept, &settings, &Holders::default(), 365 * DAY, &mut made);
    let issued = kept.operator.as_ref().unwrap();
    assert!(issued.expires > 365 * DAY && issued.authority != before);
    assert!(kept.authorities.iter().any(|one| one.id == before), "it is still trusted for a while");
}

#[test]
fn with_certificates_from_files_only_keys_are_kept() {
    let settings = Settings { certificates: false, ..settings() };
    let (mut kept, mut made) = (Kept::default(), 0);
    let changes = settle(&mut kept, &settings, &Holders::default(), 0, &mut made);
    assert_eq!(changes, [Change::Keys(Step::Make(State::Current))]);
}

#[test]
fn pods_hold_what_all_of_them_told_and_nothing_before_that() {
    let told = |keys: &[&str], sealing: &str| KeysHeld {
        key_ids: keys.iter().map(|id| (*id).to_owned()).collect(),
        sealing: sealing.to_owned(),
        authorities: vec!["ca".to_owned()],
    };
    let two = [told(&["a", "b"], "a"), told(&["b"], "b")];
    let holders = Holders::of(&two, 2);
    assert_eq!(holders.everywhere.iter().collect::<Vec<_>>(), ["b", "ca"]);
    assert_eq!(holders.used.len(), 2);
    let holders = Holders::of(&two, 3);
    assert!(!holders.complete && holders.everywhere.is_empty(), "one pod has not told");
    assert!(!Holders::of(&[], 0).complete, "nobody is not everybody");
}

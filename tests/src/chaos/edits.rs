//! A thousand edits a minute: policies, routes and servers of every tenant, good ones and bad ones; and the state in which they end.
//!
//! No edit lets a tenant's route in whom its tenant does not: whatever is in force while they go on, the claims about tenants hold.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{
    identity::Issuer,
    manifests::{merged, object, policy, route, server},
    namespace::Namespace,
};

/// A thousand a minute.
const PACE: Duration = Duration::from_millis(60);
/// Longest wait for the API server.
const PATIENCE: Duration = Duration::from_secs(5);
/// Further routes, policies and servers of a tenant, which come and go.
const SPARE: usize = 4;

/// A tenant, as its owner describes it.
pub struct Tenant {
    /// Its namespace.
    pub namespace: Namespace,
    /// The only principal that it lets in.
    pub subject: &'static str,
    /// Its servers: names and URLs.
    pub servers: Vec<(String, String)>,
    /// The path of another tenant's route.
    pub others_path: String,
    /// Who vouches for its principal.
    pub authentication: Value,
}

/// One edit.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// This object is so from now on.
    Apply(Value),
    /// This object is gone: kind and name.
    Delete(&'static str, String),
}

/// What became of edits.
#[derive(Debug, Default, Clone, Copy)]
pub struct Made {
    /// Those that were stored.
    pub stored: usize,
    /// Those that the API server refused.
    pub refused: usize,
    /// Those that found no API server.
    pub lost: usize,
}

impl Tenant {
    /// What its route asks of tokens.
    #[must_use]
    pub fn authentication(issuer: &Issuer) -> Value {
        json!({"authentication": {"jwt": issuer.jwt()}})
    }

    /// The path of its route.
    #[must_use]
    pub fn path(&self) -> String {
        self.namespace.path("eng")
    }

    /// The objects that it has before and after all edits.
    #[must_use]
    pub fn objects(&self) -> Vec<Value> {
        let servers = (0..self.servers.len()).map(|number| self.server(number, &json!({})));
        let rest = [
            self.route(&json!({})),
            policy("auth", "McpRoute/eng", &self.authentication),
            self.rules(&self.own(), "own"),
            policy("limits", "McpRoute/eng", &json!({"limits": {"responseBytes": "1Mi"}})),
        ];
        servers.chain(rest).collect()
    }

    /// The same objects, each in a generation of its own.
    #[must_use]
    pub fn objects_again(&self) -> Vec<Value> {
        let servers = (0..self.servers.len()).map(|number| self.server(number, &json!({"maxConcurrent": 500})));
        let mut again = self.authentication.clone();
        if let Some(audiences) = again["authentication"]["jwt"][0]["audiences"].as_array_mut() {
            audiences.push("another".into());
        }
        let rest = [
            self.route(&json!({"exclude": ["nothing"]})),
            policy("auth", "McpRoute/eng", &again),
            self.rules(&self.own(), "own-again"),
            policy("limits", "McpRoute/eng", &json!({"limits": {"responseBytes": "2Mi"}})),
        ];
        servers.chain(rest).collect()
    }

    fn own(&self) -> String {
        format!("identity.subject == '{}'", self.subject)
    }

    fn server(&self, number: usize, health: &Value) -> Value {
        let (name, url) = &self.servers[number];
        let often = merged(json!({"interval": "2s", "timeout": "1s"}), health);
        merged(server(name, url), &json!({"spec": {"health": often}}))
    }

    /// The route, with this filter on its last server.
    fn route(&self, filter: &Value) -> Value {
        let names: Vec<&str> = self.servers.iter().map(|(name, _)| name.as_str()).collect();
        let mut object = route("eng", &self.path(), &names);
        if filter.as_object().is_some_and(|filter| !filter.is_empty()) {
            object["spec"]["servers"][names.len() - 1]["tools"] = filter.clone();
        }
        object
    }

    fn rules(&self, when: &str, name: &str) -> Value {
        let rules = json!([{"name": name, "action": "Allow", "when": when}]);
        policy("rules", "McpRoute/eng", &json!({"authorization": {"rules": rules}}))
    }

    /// The next edit.
    #[must_use]
    pub fn edit(&self, rng: &mut Rng) -> Edit {
        let spare = format!("spare-{}", rng.usize(..SPARE));
        let (any, own) = (rng.usize(..self.servers.len()), self.own());
        let (name, url) = &self.servers[any];
        Edit::Apply(match rng.u32(..20) {
            0 | 1 => self.route(&json!({"include": ["note"]})),
            2 | 3 => self.route(&json!({"exclude": [format!("x{}", rng.u32(..100))]})),
            // A server that there is not, beside those that there are.
            4 => {
                let mut object = self.route(&json!({}));
                if let Some(servers) = object["spec"]["servers"].as_array_mut() {
                    servers.push(json!({"name": "nobody", "serverRef": {"name": "nobody"}}));
                }
                object
            }
            5 | 6 => self.rules(&format!("{own} && tool.name != '{name}_more'"), "some"),
            7 => self.rules(&own, &format!("own-{}", rng.u32(..100))),
            8 => self.rules(&format!("{own} && tool.nam =="), "broken"),
            9 => self.rules("nobody.subject == 'x'", "unknown"),
            10 => {
                let bytes = format!("{}Ki", 512 + rng.u32(..1024));
                policy("limits", "McpRoute/eng", &json!({"limits": {"responseBytes": bytes}}))
            }
            11 | 12 => route(&spare, &self.namespace.path(&spare), &[name]),
            // Somebody else's path: the older route keeps it.
            13 => route(&spare, &self.others_path, &[name]),
            14 => policy(&spare, &format!("McpRoute/{spare}"), &json!({"authentication": {"anonymous": true}})),
            // Nobody listens there.
            15 => server(&spare, ["http://127.0.0.1:9/mcp", url][rng.usize(..2)]),
            16 => self.server(any, &json!({"maxConcurrent": 50 + rng.u32(..100)})),
            17 => return Edit::Delete(["McpRoute", "McpPolicy", "McpServer"][rng.usize(..3)], spare),
            // The API server refuses these two.
            18 => object("McpRoute", "eng", &json!({"path": "no slash", "servers": []})),
            _ if rng.u32(..8) > 0 => object("McpServer", name, &json!({"source": {}})),
            _ => return Edit::Delete("McpServer", name.clone()),
        })
    }

    async fn make(&self, edit: &Edit) -> Result<(), kube::Error> {
        let made = async {
            match edit {
                Edit::Apply(object) => self.namespace.try_apply(object).await,
                Edit::Delete(kind, name) => self.namespace.try_delete(kind, name).await,
            }
        };
        let late = || kube::Error::Service("no answer in time".into());
        tokio::time::timeout(PATIENCE, made).await.unwrap_or_else(|_| Err(late()))
    }

    /// Puts everything into the final state, however often it has to be tried.
    pub async fn settle(&self) {
        let spares = (0..SPARE).flat_map(|number| {
            ["McpRoute", "McpPolicy", "McpServer"].map(|kind| Edit::Delete(kind, format!("spare-{number}")))
        });
        for edit in self.objects().into_iter().map(Edit::Apply).chain(spares) {
            self.make_surely(&edit).await;
        }
    }

    /// Makes an edit, however often it has to be tried.
    pub async fn make_surely(&self, edit: &Edit) {
        loop {
            match self.make(edit).await {
                Ok(()) => return,
                Err(kube::Error::Api(status)) if status.is_not_found() => return,
                Err(_) => tokio::time::sleep(PACE).await,
            }
        }
    }
}

/// Edits until it is stopped.
pub async fn edit_all_the_time(tenants: &[Tenant], seed: u64, stop: &CancellationToken) -> Made {
    let (mut rng, mut made) = (Rng::with_seed(seed), Made::default());
    let mut pace = tokio::time::interval(PACE);
    // What an outage kept from being edited is made up for, as far as it goes.
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while stop.run_until_cancelled(pace.tick()).await.is_some() {
        let tenant = &tenants[rng.usize(..tenants.len())];
        let edit = tenant.edit(&mut rng);
        match tenant.make(&edit).await {
            Ok(()) => made.stored += 1,
            Err(kube::Error::Api(status)) if status.is_not_found() => made.stored += 1,
            Err(kube::Error::Api(status)) if status.code < 500 => made.refused += 1,
            Err(_) => made.lost += 1,
        }
    }
    made
}

//! The objects that people edit, each edit with a mark that a gateway's configuration shows: the object's generation.

use portolan_config::{Body, Kind, Name};
use portolan_operator::object::{ObjectKey, ObjectKind};
use portolan_tests::manifests::{merged, policy, route, secret, server};
use serde_json::{Value, json};

use super::api::key;

/// A path in a route that gateways of an older release cannot compile.
const NOVEL: &str = "novel";

pub const SERVERS: [&str; 2] = ["alpha", "beta"];
pub const ROUTES: [&str; 2] = ["one", "two"];
pub const POLICY: &str = "rules";
pub const SECRET: &str = "token";

/// What an edit is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Good,
    /// The operator refuses it: the last good version goes on.
    Bad,
    /// Gateways of an older release refuse it.
    Novel,
}

/// Everything that may be edited.
pub fn keys() -> Vec<ObjectKey> {
    let of = |kind, names: &[&str]| names.iter().map(move |name| key(kind, name)).collect::<Vec<_>>();
    let all = [
        of(ObjectKind::McpServer, &SERVERS),
        of(ObjectKind::McpRoute, &ROUTES),
        of(ObjectKind::McpPolicy, &[POLICY]),
        of(ObjectKind::Secret, &[SECRET]),
    ];
    all.concat()
}

/// The object in this generation.
pub fn object(key: &ObjectKey, generation: u64, edit: Edit) -> Value {
    let name = key.key.name.as_str();
    let made = match (key.kind, edit) {
        (ObjectKind::McpServer, Edit::Bad) => merged(server(name, "nonsense"), &json!({})),
        (ObjectKind::McpServer, _) => {
            let made = server(name, &format!("https://{name}.example/mcp-{generation}"));
            let credential = json!({"header": {"name": "x-key", "secretRef": {"name": SECRET, "key": "value"}}});
            if name == SERVERS[0] { merged(made, &json!({"spec": {"credentials": credential}})) } else { made }
        }
        (ObjectKind::McpRoute, Edit::Bad) => merged(route(name, "/x", &SERVERS), &json!({"spec": {"path": 7}})),
        (ObjectKind::McpRoute, edit) => {
            let kind = if edit == Edit::Novel { NOVEL } else { "plain" };
            route(name, &format!("/{name}/{kind}/{generation}"), &SERVERS)
        }
        (ObjectKind::McpPolicy, edit) => {
            let when = if edit == Edit::Bad { "nonsense(".to_owned() } else { format!("tool.name == 't{generation}'") };
            let rule = json!({"name": "no", "action": "Deny", "when": when});
            policy(
                name,
                &format!("McpRoute/{}", ROUTES[0]),
                &json!({"authorization": {"default": "Allow", "rules": [rule]}}),
            )
        }
        _ => secret(name, "value", &format!("secret-{generation}")),
    };
    merged(made, &json!({"metadata": {"generation": generation, "namespace": super::api::NAMESPACE}}))
}

/// Whether a gateway of an older release refuses this body.
pub fn is_novel(name: &Name, body: &bytes::Bytes) -> bool {
    matches!(Body::decode(name.kind(), body), Ok(Body::Route(route)) if route.path.contains(NOVEL))
}

/// The generation that a route's body was made of.
pub fn generation(name: &Name, body: &bytes::Bytes) -> Option<u64> {
    let path = match Body::decode(name.kind(), body) {
        Ok(Body::Route(route)) => route.path,
        Ok(Body::Server(server)) => server.path.replace('-', "/"),
        _ => return None,
    };
    path.rsplit_once('/')?.1.parse().ok()
}

/// The resource that an object is in force by.
pub fn resource(key: &ObjectKey) -> Name {
    let kind = match key.kind {
        ObjectKind::McpServer => Kind::Server,
        ObjectKind::McpRoute => Kind::Route,
        ObjectKind::McpPolicy => Kind::Policy,
        _ => Kind::Secret,
    };
    Name::new(kind, &key.key.namespace, &key.key.name)
}

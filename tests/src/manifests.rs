//! Objects as users write them, with what every test wants already said. JSON, which is YAML.

use serde_json::{Value, json};

/// An McpServer at a URL. It is examined once: a test that wants to see examinations says so with [`merged`].
#[must_use]
pub fn server(name: &str, url: &str) -> Value {
    object("McpServer", name, &json!({"source": {"remote": {"url": url}}, "health": {"interval": "1h"}}))
}

/// An McpRoute with these servers; the tools' prefixes are the servers' names.
#[must_use]
pub fn route(name: &str, path: &str, servers: &[&str]) -> Value {
    let servers: Vec<_> = servers.iter().map(|name| json!({"name": name, "serverRef": {"name": name}})).collect();
    object("McpRoute", name, &json!({"path": path, "servers": servers}))
}

/// An McpPolicy on one object, `KIND/NAME`.
#[must_use]
pub fn policy(name: &str, target: &str, spec: &Value) -> Value {
    let (kind, target) = target.split_once('/').unwrap_or(("McpRoute", target));
    merged(object("McpPolicy", name, spec), &json!({"spec": {"targetRefs": [{"kind": kind, "name": target}]}}))
}

/// Any object of ours.
#[must_use]
pub fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "portolan.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A Secret with one text.
#[must_use]
pub fn secret(name: &str, key: &str, text: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: text}})
}

/// `base` with `patch` laid over it: objects are merged, everything else is replaced (RFC 7396 without removal).
#[must_use]
pub fn merged(mut base: Value, patch: &Value) -> Value {
    lay(&mut base, patch);
    base
}

fn lay(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                lay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}

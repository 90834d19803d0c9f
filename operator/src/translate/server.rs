//! McpServer -> `Server` and `Endpoints`.

use portolan_config::{
    Kind, Name,
    proto::{self, Endpoints, HeaderCredential, Remote, Server},
};
use portolan_crds::{
    McpServer, Reason,
    server::{Chosen, RemoteSource, ServiceSource, Sessions},
};

use super::{Outcome, Problems, Translation, endpoints, remote, secret, validate};
use crate::{
    index::{World, edges},
    object::{Key, Stored},
};

/// Translates the server at `key`.
pub(super) fn translate(key: &Key, world: &World, mut problems: Problems) -> Translation {
    let name = super::server_name(key);
    let endpoints = name.sibling(Kind::Endpoints);
    let both = |server, of_endpoints, problems: Problems| Translation {
        resources: vec![(name.clone(), server), (endpoints.clone(), of_endpoints)],
        problems: problems.found,
    };
    let server = match world.servers.get(key) {
        None => return both(Outcome::Remove, Outcome::Remove, problems),
        Some(Stored::Malformed(malformed)) => {
            validate::malformed(malformed, &mut problems);
            return both(Outcome::Hold(Vec::new()), Outcome::Hold(Vec::new()), problems);
        }
        Some(Stored::Valid(server)) => server,
    };
    validate::server(server, &mut problems);
    let place = match server.spec.source.chosen() {
        Some(Chosen::Service(source)) => service(key, source, world, &mut problems),
        Some(Chosen::Remote(source)) => outside(source, &mut problems),
        None => None,
    };
    match (place, problems.refuse()) {
        (Some(place), false) => {
            let of_endpoints = match &place.endpoints {
                Some(found) => Outcome::put(Endpoints { server: name.to_string(), endpoints: found.clone() }),
                None => Outcome::Remove,
            };
            let server = resource(key, server, place, world, &mut problems);
            both(Outcome::put(server), of_endpoints, problems)
        }
        _ => both(Outcome::Hold(Vec::new()), Outcome::Hold(Vec::new()), problems),
    }
}

/// Where a server is.
struct Place {
    authority: String,
    path: String,
    http2: bool,
    remote: Option<Remote>,
    /// Of a server in the cluster.
    endpoints: Option<Vec<proto::Endpoint>>,
}

/// A server behind a Service. One that cannot be resolved is in force without endpoints: calls to it fail, and its routes' other servers go on.
fn service(key: &Key, source: &ServiceSource, world: &World, problems: &mut Problems) -> Option<Place> {
    let wanted = edges::service_key(key, source);
    let mut place = Place {
        authority: format!("{}.{}.svc:{}", wanted.name, wanted.namespace, source.port),
        path: source.path.clone(),
        http2: false,
        remote: None,
        endpoints: Some(Vec::new()),
    };
    if wanted.namespace != key.namespace {
        problems.add(
            Reason::RefNotPermitted,
            "spec.source.service.namespace",
            format!("Service {wanted} is in another namespace"),
            format!("move the McpServer to namespace {}", wanted.namespace),
        );
        return Some(place);
    }
    let Some(service) = world.service(&wanted) else {
        problems.add(
            Reason::BackendNotFound,
            "spec.source.service.name",
            format!("there is no Service {wanted}"),
            "create it, or correct the name",
        );
        return Some(place);
    };
    let Some(port) = endpoints::service_port(service, source.port) else {
        problems.add(
            Reason::PortNotFound,
            "spec.source.service.port",
            format!("Service {wanted} has no port {}", source.port),
            format!("its ports are: {}", endpoints::ports_in_words(service)),
        );
        return Some(place);
    };
    if service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("ExternalName") {
        problems.add(
            Reason::PortNotFound,
            "spec.source.service.name",
            format!("Service {wanted} is an ExternalName, which has no endpoints"),
            "use spec.source.remote with its URL",
        );
        return Some(place);
    }
    place.http2 = endpoints::speaks_h2c(port);
    place.endpoints = Some(endpoints::endpoints(service, port, world.slices(&wanted)));
    Some(place)
}

/// A server outside the cluster.
fn outside(source: &RemoteSource, problems: &mut Problems) -> Option<Place> {
    let hostname = source.tls.as_ref().and_then(|tls| tls.hostname.as_deref());
    match remote::parse(&source.url, hostname) {
        Ok(parsed) => Some(Place {
            authority: parsed.authority,
            path: parsed.path,
            http2: false,
            remote: Some(parsed.remote),
            endpoints: None,
        }),
        Err(error) => {
            problems.add(Reason::Invalid, "spec.source.remote.url", error, "write https://HOST/PATH");
            None
        }
    }
}

fn resource(key: &Key, server: &McpServer, place: Place, world: &World, problems: &mut Problems) -> Server {
    let spec = &server.spec;
    let credential = spec.credentials.header.as_ref().map(|header| {
        let secret = edges::secret_key(key, &header.secret_ref);
        secret::check(world, &secret, &header.secret_ref.key, "spec.credentials.header.secretRef", problems);
        HeaderCredential {
            header: header.name.clone(),
            format: header.format.clone(),
            secret: Name::new(Kind::Secret, &secret.namespace, &secret.name).to_string(),
            key: header.secret_ref.key.clone(),
        }
    });
    let trusted = spec.trust.annotations.iter().map(|entry| proto::TrustedAnnotations {
        tools: entry.tools.clone(),
        read_only_hint: entry.hints.read_only_hint,
        destructive_hint: entry.hints.destructive_hint,
        idempotent_hint: entry.hints.idempotent_hint,
        open_world_hint: entry.hints.open_world_hint,
    });
    let mut revisions = spec.protocol.revisions.clone();
    revisions.sort_unstable_by(|a, b| b.cmp(a));
    let sessions = match spec.protocol.sessions {
        Sessions::Auto => proto::Sessions::Auto,
        Sessions::Never => proto::Sessions::Never,
    };
    Server {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        path: place.path,
        authority: place.authority,
        remote: place.remote,
        http2: place.http2,
        revisions: revisions.into_iter().map(|revision| revision.as_str().to_owned()).collect(),
        sessions: sessions.into(),
        credential,
        trusted: trusted.collect(),
        health: Some(proto::Health {
            interval_ms: validate::milliseconds(&spec.health.interval),
            timeout_ms: validate::milliseconds(&spec.health.timeout),
            max_concurrent: spec.health.max_concurrent.and_then(|bound| u32::try_from(bound).ok()).unwrap_or(0),
        }),
        generation: server.metadata.generation.unwrap_or(0),
    }
}

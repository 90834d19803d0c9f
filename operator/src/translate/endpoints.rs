//! Where the pods of a Service are: a port resolved as the EndpointSlices show it, with readiness and zone.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    core::v1::{Service, ServicePort},
    discovery::v1::{Endpoint as SliceEndpoint, EndpointSlice},
};
use portolan_config::proto::Endpoint;

/// The port of a Service with that number.
pub fn service_port(service: &Service, number: i32) -> Option<&ServicePort> {
    service.spec.as_ref()?.ports.iter().flatten().find(|port| port.port == number)
}

/// Whether the port says that it speaks HTTP/2 without TLS (`appProtocol: kubernetes.io/h2c`, KEP-3726).
pub fn speaks_h2c(port: &ServicePort) -> bool {
    port.app_protocol.as_deref() == Some("kubernetes.io/h2c")
}

/// The ports of a Service, as a remedy lists them: `http (80), 8080`.
pub fn ports_in_words(service: &Service) -> String {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let words: Vec<String> = ports
        .map(|port| port.name.as_ref().map_or_else(|| port.port.to_string(), |name| format!("{name} ({})", port.port)))
        .collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The endpoints of `port` in `slices`, in a stable order, each address once: an endpoint moves between slices without leaving either first.
/// Ready ones are in, and those that still serve while they terminate, marked as not ready: sessions end there, none begin.
pub fn endpoints<'a>(
    service: &Service,
    port: &ServicePort,
    slices: impl Iterator<Item = &'a EndpointSlice>,
) -> Vec<Endpoint> {
    let family = primary_family(service);
    let mut found: BTreeMap<(String, u32), Endpoint> = BTreeMap::new();
    for slice in slices.filter(|slice| family.is_none_or(|family| slice.address_type == family)) {
        let Some(number) = slice_port(slice, port) else { continue };
        for endpoint in &slice.endpoints {
            let Some(ready) = readiness(endpoint) else { continue };
            // "Clients should only use the first address": an endpoint with several is one pod.
            let Some(address) = endpoint.addresses.first() else { continue };
            let entry = found.entry((address.clone(), number)).or_insert_with(|| Endpoint {
                address: address.clone(),
                port: number,
                ready: false,
                zone: endpoint.zone.clone().unwrap_or_default(),
            });
            entry.ready |= ready;
        }
    }
    found.into_values().collect()
}

/// Names of the pods that are ready behind `slices`; the address where a slice names no pod.
pub fn ready_pods<'a>(slices: impl Iterator<Item = &'a EndpointSlice>) -> impl Iterator<Item = &'a str> {
    slices.flat_map(|slice| &slice.endpoints).filter(|endpoint| readiness(endpoint) == Some(true)).filter_map(
        |endpoint| {
            let pod = endpoint.target_ref.as_ref().and_then(|target| target.name.as_deref());
            pod.or_else(|| endpoint.addresses.first().map(String::as_str))
        },
    )
}

/// A dual-stack Service has slices of both families for the same pods: the first family is the one that it prefers.
fn primary_family(service: &Service) -> Option<&str> {
    service.spec.as_ref()?.ip_families.as_ref()?.first().map(String::as_str)
}

/// A slice's ports carry the Service port's name and the number that the pods listen on.
fn slice_port(slice: &EndpointSlice, port: &ServicePort) -> Option<u32> {
    let wanted = port.name.as_deref().unwrap_or_default();
    let ports = slice.ports.as_deref().unwrap_or_default();
    let found = ports.iter().find(|candidate| candidate.name.as_deref().unwrap_or_default() == wanted)?;
    found.port.and_then(|number| u32::try_from(number).ok())
}

/// `Some(true)`: ready. `Some(false)`: terminating but still serving. An absent condition means yes (`EndpointConditions`).
fn readiness(endpoint: &SliceEndpoint) -> Option<bool> {
    let Some(conditions) = &endpoint.conditions else { return Some(true) };
    if conditions.ready.unwrap_or(true) {
        return Some(true);
    }
    let draining = conditions.serving.unwrap_or(false) && conditions.terminating.unwrap_or(false);
    draining.then_some(false)
}

#[cfg(test)]
mod tests;

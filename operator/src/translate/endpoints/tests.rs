use serde_json::{Value, json};

use super::*;

fn service(ports: Value) -> Service {
    serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": ports}})).unwrap()
}

fn slice(name: &str, ports: Value, endpoints: Value) -> EndpointSlice {
    let value = json!({"metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4", "ports": ports, "endpoints": endpoints});
    serde_json::from_value(value).unwrap()
}

fn at(address: &str, port: u32, ready: bool) -> Endpoint {
    Endpoint { address: address.into(), port, ready, zone: String::new() }
}

fn found(service: &Service, port: i32, slices: &[EndpointSlice]) -> Vec<Endpoint> {
    endpoints(service, service_port(service, port).unwrap(), slices.iter())
}

#[test]
fn a_port_is_found_by_number_and_resolved_to_what_the_pods_listen_on() {
    let service =
        service(json!([{"name": "mcp", "port": 80, "targetPort": "http"}, {"name": "metrics", "port": 9090}]));
    let slices = [slice(
        "a",
        json!([{"name": "mcp", "port": 8080}, {"name": "metrics", "port": 9090}]),
        json!([{"addresses": ["10.0.0.1"]}]),
    )];
    assert_eq!(found(&service, 80, &slices), [at("10.0.0.1", 8080, true)]);
    assert_eq!(found(&service, 9090, &slices), [at("10.0.0.1", 9090, true)]);
    assert!(service_port(&service, 8080).is_none());
    assert_eq!(ports_in_words(&service), "mcp (80), metrics (9090)");
}

#[test]
fn a_nameless_port_matches_a_nameless_slice_port() {
    let service = service(json!([{"port": 80}]));
    let slices =
        [slice("a", json!([{"name": "", "port": 3000}]), json!([{"addresses": ["10.0.0.1"], "zone": "eu-1"}]))];
    assert_eq!(found(&service, 80, &slices), [Endpoint { zone: "eu-1".into(), ..at("10.0.0.1", 3000, true) }]);
}

#[test]
fn an_endpoint_that_still_serves_while_it_terminates_is_kept_as_not_ready() {
    let service = service(json!([{"port": 80}]));
    let endpoints = json!([
        {"addresses": ["10.0.0.1"], "conditions": {"ready": true}},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": false, "serving": true, "terminating": true}},
        {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": false, "terminating": true}},
        {"addresses": ["10.0.0.4"], "conditions": {"ready": false}},
    ]);
    let slices = [slice("a", json!([{"port": 80}]), endpoints)];
    assert_eq!(found(&service, 80, &slices), [at("10.0.0.1", 80, true), at("10.0.0.2", 80, false)]);
}

#[test]
fn an_endpoint_in_two_slices_counts_once() {
    let service = service(json!([{"port": 80}]));
    let ports = json!([{"port": 80}]);
    let draining =
        json!([{"addresses": ["10.0.0.1"], "conditions": {"ready": false, "serving": true, "terminating": true}}]);
    let slices = [slice("a", ports.clone(), draining), slice("b", ports, json!([{"addresses": ["10.0.0.1"]}]))];
    assert_eq!(found(&service, 80, &slices), [at("10.0.0.1", 80, true)]);
}

#[test]
fn a_dual_stack_service_is_reached_by_its_first_family() {
    let mut service = service(json!([{"port": 80}]));
    service.spec.as_mut().unwrap().ip_families = Some(vec!["IPv6".into(), "IPv4".into()]);
    let mut six = slice("six", json!([{"port": 80}]), json!([{"addresses": ["2001:db8::1"]}]));
    six.address_type = "IPv6".into();
    let four = slice("four", json!([{"port": 80}]), json!([{"addresses": ["10.0.0.1"]}]));
    assert_eq!(found(&service, 80, &[four, six]), [at("2001:db8::1", 80, true)]);
}

#[test]
fn only_h2c_is_http2() {
    let service =
        service(json!([{"port": 80, "appProtocol": "kubernetes.io/h2c"}, {"port": 81, "appProtocol": "http"}]));
    let h2c = |port| speaks_h2c(service_port(&service, port).unwrap());
    assert!(h2c(80) && !h2c(81));
}

#[test]
fn ready_pods_go_by_their_name_or_else_their_address() {
    let endpoints = json!([
        {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "gateway-0"}},
        {"addresses": ["10.0.0.2"]},
        {"addresses": ["10.0.0.3"], "conditions": {"ready": false}},
    ]);
    let slices = [slice("a", json!([{"port": 80}]), endpoints)];
    assert_eq!(ready_pods(slices.iter()).collect::<Vec<_>>(), ["gateway-0", "10.0.0.2"]);
}

use std::net::{IpAddr, SocketAddr};

use rustls::RootCertStore;

use super::Dialer;
use crate::upstream::UpstreamError;

fn dialer(allow: &[&str], standalone: bool) -> Dialer {
    let allow = allow.iter().map(|network| network.parse().unwrap()).collect();
    Dialer::with_roots(allow, standalone, RootCertStore::empty())
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn sockets(addresses: &[&str]) -> Vec<SocketAddr> {
    addresses.iter().map(|address| SocketAddr::new(ip(address), 443)).collect()
}

#[test]
fn a_server_in_the_cluster_may_be_private_and_a_remote_may_not() {
    let dialer = dialer(&[], false);
    for address in ["10.1.2.3", "172.20.0.1", "192.168.1.1", "100.64.3.4", "fd12::7"] {
        assert!(dialer.check(ip(address), false).is_ok(), "{address}");
        assert!(dialer.check(ip(address), true).is_err(), "{address}");
    }
}

#[test]
fn loopback_is_for_standalone_and_metadata_for_nobody() {
    for remote in [false, true] {
        for address in ["127.0.0.1", "::1"] {
            assert!(dialer(&[], false).check(ip(address), remote).is_err(), "{address}");
            assert!(dialer(&[], true).check(ip(address), remote).is_ok(), "{address}");
        }
        for address in ["169.254.169.254", "fd00:ec2::254", "::ffff:127.0.0.1", "0.0.0.0", "::"] {
            assert!(dialer(&[], true).check(ip(address), remote).is_err(), "{address}");
        }
    }
}

#[test]
fn the_list_of_the_fleet_opens_what_it_names_and_nothing_beside() {
    let dialer = dialer(&["10.7.0.0/16", "127.0.0.1/32"], false);
    assert!(dialer.check(ip("10.7.200.1"), true).is_ok());
    assert!(dialer.check(ip("10.8.0.1"), true).is_err());
    assert!(dialer.check(ip("127.0.0.1"), true).is_ok());
    assert!(dialer.check(ip("127.0.0.2"), true).is_err());
    assert!(
        dialer.check(ip("::ffff:10.7.0.1"), true).is_err(),
        "a list of IPv4 networks says nothing of embedded ones"
    );
}

#[test]
fn of_a_mixed_answer_only_the_harmless_addresses_are_dialled() {
    let vetted = dialer(&[], false).vet(&sockets(&["169.254.169.254", "8.8.8.8", "::1", "10.0.0.1"]), true);
    assert_eq!(vetted, Ok(sockets(&["8.8.8.8"])));
}

#[test]
fn an_answer_of_nothing_but_forbidden_addresses_is_forbidden() {
    let dialer = dialer(&[], false);
    assert_eq!(dialer.vet(&sockets(&["127.0.0.1", "::1"]), true), Err(UpstreamError::Forbidden));
    assert_eq!(dialer.vet(&[], true), Err(UpstreamError::Connect), "a name without addresses cannot be reached");
}

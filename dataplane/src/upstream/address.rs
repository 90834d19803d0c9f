//! Which addresses may be dialled. Pure: an address and what it is dialled for, nothing else.
//!
//! The tables follow the IANA special-purpose registries (RFC 6890) and the metadata services of the large clouds. An address that
//! embeds another one (mapped, compatible, 6to4, NAT64, Teredo) is refused whatever it embeds: no honest answer needs one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, as far as dialling it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Reaches this very machine.
    Loopback,
    /// Never a server's own address: link-local, metadata, multicast, unspecified, reserved, embedding.
    Refused,
    /// A server inside the cluster may have it, a remote may not: private and otherwise not global.
    Private,
    /// Anybody may have it.
    Global,
}

/// Classifies an address.
pub(super) fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// Metadata services outside of the link-local range: Alibaba, Azure (wire server), Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];

/// Metadata services inside the unique-local range: AWS, Google, Oracle and others that copy AWS.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0xa9fe, 0xa9fe, 0, 0),
];

fn classify_v4(address: Ipv4Addr) -> Class {
    if METADATA_V4.contains(&address) {
        return Class::Refused;
    }
    match address.octets() {
        [127, ..] => Class::Loopback,
        // "This network", link-local with the metadata services, protocol assignments, multicast, reserved and broadcast.
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [224..=255, ..] => Class::Refused,
        // Private, carrier-grade NAT, benchmarking.
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18..=19, ..] => Class::Private,
        // Documentation and the retired 6to4 relays.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => Class::Private,
        _ => Class::Global,
    }
}

fn classify_v6(address: Ipv6Addr) -> Class {
    if address == Ipv6Addr::LOCALHOST {
        return Class::Loopback;
    }
    if METADATA_V6.contains(&address) {
        return Class::Refused;
    }
    match address.segments() {
        // Unspecified and IPv4-compatible (::/96), IPv4-mapped (::ffff:0:0/96), IPv4-translated (::ffff:0:0:0/96).
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Class::Refused,
        // NAT64 (64:ff9b::/96 and the local 64:ff9b:1::/48), discard-only (100::/64), Teredo (2001::/32), 6to4 (2002::/16).
        [0x64, 0xff9b, ..] | [0x100, 0, 0, 0, ..] | [0x2001, 0, ..] | [0x2002, ..] => Class::Refused,
        // Link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8).
        [0xfe80..=0xffff, ..] => Class::Refused,
        // Documentation, ORCHID and the other protocol assignments of 2001::/23.
        [0x2001, 0xdb8, ..] | [0x2001, 0..=0x1ff, ..] | [0x3fff, 0..=0xfff, ..] => Class::Private,
        [0x2000..=0x3fff, ..] => Class::Global,
        // Unique-local, and whatever is not assigned to global unicast.
        _ => Class::Private,
    }
}

#[cfg(test)]
mod tests;

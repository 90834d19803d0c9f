//! Which gateway lists and probes which server: rendezvous hashing, so that a pod that comes or goes moves only its own share.

use std::collections::BTreeMap;

/// Gives each of `servers` to one of `gateways`. Every gateway has an entry, an empty one too.
///
/// The same sets give the same answer in every operator and every release: the hash is written here, not borrowed.
pub fn assign<'a>(servers: &[&'a str], gateways: &[&'a str]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut shares: BTreeMap<&str, Vec<&str>> = gateways.iter().map(|gateway| (*gateway, Vec::new())).collect();
    let hashed: Vec<(u64, &str)> = gateways.iter().map(|gateway| (hash(gateway), *gateway)).collect();
    for server in servers {
        let own = hash(server);
        // Equal scores are as good as impossible; the name breaks them all the same.
        let winner = hashed.iter().max_by_key(|(gateway, name)| (mix(own ^ gateway), *name));
        if let Some(share) = winner.and_then(|(_, name)| shares.get_mut(name)) {
            share.push(server);
        }
    }
    shares
}

/// FNV-1a with a finaliser.
fn hash(text: &str) -> u64 {
    let fnv = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mix(fnv)
}

/// The finaliser of splitmix64: every bit of the input moves every bit of the output.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests;

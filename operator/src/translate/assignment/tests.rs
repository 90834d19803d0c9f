use super::*;

fn servers(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("Server/shop/s{index}")).collect()
}

fn owner<'a>(shares: &BTreeMap<&'a str, Vec<&'a str>>, server: &str) -> Option<&'a str> {
    shares.iter().find(|(_, share)| share.contains(&server)).map(|(gateway, _)| *gateway)
}

#[test]
fn every_server_has_exactly_one_gateway() {
    let names = servers(300);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let shares = assign(&names, &["a", "b", "c"]);
    assert_eq!(shares.values().map(Vec::len).sum::<usize>(), 300);
    assert!(shares.values().all(|share| (60..140).contains(&share.len())), "shares are about equal");
}

#[test]
fn a_gateway_that_leaves_moves_only_its_own_servers() {
    let names = servers(100);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = assign(&names, &["a", "b", "c"]);
    let after = assign(&names, &["a", "b"]);
    for server in names {
        let was = owner(&before, server);
        assert!(was == Some("c") || was == owner(&after, server), "{server} moved without need");
    }
}

#[test]
fn without_gateways_nobody_is_assigned() {
    assert!(assign(&["Server/shop/a"], &[]).is_empty());
}

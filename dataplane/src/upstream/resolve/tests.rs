use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::advance;

use super::Name;

fn some(port: u16) -> Vec<SocketAddr> {
    vec![SocketAddr::from(([8, 8, 8, 8], port))]
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_outlives_a_broken_resolver_for_an_hour() {
    let name = Name::new("mcp.example".to_owned(), 443);
    assert_eq!(name.learn(some(1)), some(1));
    advance(Duration::from_secs(3599)).await;
    assert_eq!(name.learn(vec![]), some(1));
    advance(Duration::from_secs(1)).await;
    assert_eq!(name.learn(vec![]), vec![]);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_answer_is_used_without_asking_and_a_new_one_replaces_it() {
    let name = Name::new("name.invalid".to_owned(), 443);
    name.learn(some(1));
    assert_eq!(name.addresses().await, some(1));
    assert_eq!(name.learn(some(2)), some(2));
    assert_eq!(name.addresses().await, some(2));
}

#[tokio::test]
async fn an_address_in_any_spelling_is_resolved_before_it_is_judged() {
    for spelling in ["127.0.0.1", "127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433"] {
        let found = Name::new(spelling.to_owned(), 80).addresses().await;
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{spelling}: {found:?}");
    }
}

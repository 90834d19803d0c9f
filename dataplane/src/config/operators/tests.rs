use tokio::net::TcpListener;

use super::*;

/// Nothing resolves it (RFC 6761).
const NAME: &str = "http://operators.invalid:8090";

#[tokio::test]
async fn every_address_of_one_name_is_tried_in_a_round_and_outlives_a_broken_resolver() {
    let mut operators = Operators::new(&[NAME.parse().unwrap()], None).unwrap();
    let mut listeners = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        operators.known[0].addresses.push(listener.local_addr().unwrap());
        listeners.push(listener);
    }
    let addresses = operators.known[0].addresses.clone();
    // Each hangs up on whoever connects.
    for listener in listeners {
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    }
    for _ in 0..2 {
        let mut tried: Vec<SocketAddr> = Vec::new();
        for more in [true, false] {
            let error = operators.open(FromGateway::default()).await.err().unwrap();
            tried.push(error.split(": ").next().unwrap().parse().unwrap());
            assert_eq!(operators.has_more(), more);
        }
        tried.sort();
        let mut all = addresses.clone();
        all.sort();
        assert_eq!(tried, all);
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_named() {
    let mut operators = Operators::new(&[NAME.parse().unwrap()], None).unwrap();
    let error = operators.open(FromGateway::default()).await.err().unwrap();
    assert!(error.starts_with("operators.invalid: "), "{error}");
    assert!(!operators.has_more());
}

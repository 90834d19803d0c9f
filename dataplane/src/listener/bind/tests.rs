use super::*;

const ANY: &str = "127.0.0.1:0";

#[test]
fn every_worker_gets_the_same_port() {
    let sockets = bind(ANY.parse().unwrap(), 3).unwrap();
    let port = sockets[0].local_addr().unwrap().port();
    assert_ne!(port, 0);
    assert!(sockets.iter().all(|socket| socket.local_addr().unwrap().port() == port));
}

#[test]
fn an_address_in_use_is_refused_loudly() {
    let sockets = bind(ANY.parse().unwrap(), 1).unwrap();
    let taken = sockets[0].local_addr().unwrap();
    let error = bind(taken, 1).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&taken.to_string()));
}

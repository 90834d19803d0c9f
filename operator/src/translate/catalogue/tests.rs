use portolan_config::proto::Held;

use super::*;

const SERVER: &str = "Server/shop/web";

fn verified() -> Report {
    let chunk = Held { name: "Chunk/shop/web/0".into(), version: "00".into() };
    Report {
        server: SERVER.into(),
        verified: true,
        digest: "sha256:ab".into(),
        chunks: vec![chunk],
        ..Report::default()
    }
}

fn unreachable() -> Report {
    Report { server: SERVER.into(), reason: "Unreachable".into(), ..Report::default() }
}

#[test]
fn a_report_that_verified_is_the_catalogue() {
    let made = catalogue(SERVER, None, &verified(), 7).unwrap();
    assert_eq!((made.digest.as_str(), made.stale_since_ms), ("sha256:ab", 0));
    assert_eq!(made.chunks, ["Chunk/shop/web/0"]);
}

#[test]
fn a_server_that_stops_answering_is_stale_from_the_first_failure_on() {
    let good = catalogue(SERVER, None, &verified(), 1);
    let stale = catalogue(SERVER, good, &unreachable(), 1000);
    assert_eq!(stale.as_ref().map(|made| made.stale_since_ms), Some(1000));
    let later = catalogue(SERVER, stale.clone(), &unreachable(), 2000);
    assert_eq!(later, stale, "another failure moves nothing");
    let back = catalogue(SERVER, later, &verified(), 3000);
    assert_eq!(back.map(|made| made.stale_since_ms), Some(0));
}

#[test]
fn a_server_that_never_answered_has_no_catalogue() {
    assert_eq!(catalogue(SERVER, None, &unreachable(), 7), None);
}

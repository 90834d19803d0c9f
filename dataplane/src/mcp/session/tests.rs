use super::*;

const ALICE: Binding<'_> = Binding { route: "Route/x/a", tenant: "x", principal: b"alice" };

fn session() -> Session {
    Session {
        revision: Revision::R20250618,
        issued: 1000,
        expires: 2000,
        client_info: Some(Bytes::from_static(br#"{"name":"agent"}"#)),
        upstreams: vec![UpstreamSession {
            server: "Server/x/github".to_owned(),
            endpoint: "10.0.0.1:8080".to_owned(),
            id: "theirs".to_owned(),
            revision: Revision::R20241105,
        }],
        absent: vec!["Server/x/slow".to_owned()],
    }
}

#[test]
fn a_session_is_all_in_its_id() {
    let ring = Ring::generate();
    let text = session().seal(&ring, &ALICE);
    assert_eq!(Session::open(&ring, &ALICE, &text, 1999), Ok(session()));
    for secret in ["theirs", "10.0.0.1", "github", "agent"] {
        assert!(!text.contains(secret));
    }
}

#[test]
fn a_session_ends_when_its_time_is_over() {
    let ring = Ring::generate();
    let text = session().seal(&ring, &ALICE);
    assert_eq!(Session::open(&ring, &ALICE, &text, 2000), Err(Unsealed::Expired));
    assert_eq!(Session::open(&ring, &ALICE, &text, u64::MAX), Err(Unsealed::Expired));
}

#[test]
fn only_the_diagonal_of_principals_routes_and_tenants_opens() {
    let ring = Ring::generate();
    let mut all = Vec::new();
    for route in ["Route/x/a", "Route/x/b", "Route/y/a"] {
        for tenant in ["x", "y"] {
            for principal in [&b"alice"[..], b"bob"] {
                all.push(Binding { route, tenant, principal });
            }
        }
    }
    for sealed in &all {
        let text = session().seal(&ring, sealed);
        for opened in &all {
            assert_eq!(Session::open(&ring, opened, &text, 1500).is_ok(), sealed == opened, "{sealed:?} {opened:?}");
        }
        assert!(Session::open(&ring, sealed, &text, 1500).is_ok(), "trying it elsewhere did not end it");
    }
}

#[test]
fn a_cursor_is_no_session() {
    let ring = Ring::generate();
    let text = crate::mcp::cursor::Cursor { offset: 1, catalogue: 2 }.seal(&ring, &ALICE);
    assert_eq!(Session::open(&ring, &ALICE, &text, 0), Err(Unsealed::Forged));
}

#[test]
fn a_sealed_text_that_is_no_session_is_refused() {
    let ring = Ring::generate();
    for plain in [&b""[..], b"\xff", b"\x0a\x01x", &[0x0a; 100]] {
        let text = seal::seal(&ring, Context::Session, &ALICE, plain);
        assert_eq!(Session::open(&ring, &ALICE, &text, 0), Err(Unsealed::Malformed), "{plain:?}");
    }
}

#[test]
fn what_a_client_says_of_itself_is_bounded() {
    let ring = Ring::generate();
    let long = Session { client_info: Some(vec![b' '; MAX_CLIENT_INFO + 1].into()), ..session() };
    let opened = Session::open(&ring, &ALICE, &long.seal(&ring, &ALICE), 1500).unwrap();
    assert_eq!(opened, Session { client_info: None, ..session() });
}

#[test]
fn the_widest_session_fits_what_is_opened() {
    let ring = Ring::generate();
    let upstream = |n: usize| UpstreamSession {
        server: format!("Server/{}/{n}", "n".repeat(120)),
        endpoint: "255.255.255.255:65535".to_owned(),
        id: "i".repeat(512),
        revision: Revision::R20251125,
    };
    let wide = Session {
        client_info: Some(vec![b' '; MAX_CLIENT_INFO].into()),
        upstreams: (0..32).map(upstream).collect(),
        ..session()
    };
    let text = wide.seal(&ring, &ALICE);
    assert_eq!(Session::open(&ring, &ALICE, &text, 1500), Ok(wide));
}

#[test]
fn fingerprints_name_sessions_apart() {
    let ring = Ring::generate();
    let [one, other] = [session().seal(&ring, &ALICE), session().seal(&ring, &ALICE)];
    assert_eq!(fingerprint(&one), fingerprint(&one));
    assert_ne!(fingerprint(&one), fingerprint(&other));
}

#[test]
fn no_other_spelling_of_a_session_opens() {
    let ring = Ring::generate();
    let text = session().seal(&ring, &ALICE);
    let (start, last) = text.split_at(text.len() - 1);
    let spelled = |letter: char| format!("{start}{letter}");
    let opened = ('0'..='z').map(spelled).filter(|text| Session::open(&ring, &ALICE, text, 0).is_ok());
    assert_eq!(opened.collect::<Vec<_>>(), [format!("{start}{last}")]);
    assert!(Session::open(&ring, &ALICE, &format!("{text}="), 0).is_err());
}

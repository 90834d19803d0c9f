use http::{Request, StatusCode};

use super::*;

fn head(host: &str, origin: &[&str]) -> Parts {
    let builder =
        origin.iter().fold(Request::post("/mcp").header(HOST, host), |builder, origin| builder.header(ORIGIN, *origin));
    builder.body(()).unwrap().into_parts().0
}

fn local() -> Origins {
    Origins { allowed: vec!["https://app.example".to_owned()], loopback: true }
}

fn status(host: &str, origin: &[&str], origins: &Origins) -> Option<StatusCode> {
    admit(&head(host, origin), origins, |host| host == "mcp.acme.example").err().map(|refusal| refusal.status)
}

#[test]
fn a_loopback_listener_answers_only_to_its_own_names() {
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST", "localhost.", "mcp.acme.example"] {
        assert_eq!(status(host, &[], &local()), None, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.example", ""] {
        assert_eq!(status(host, &[], &local()), Some(StatusCode::FORBIDDEN), "{host}");
    }
}

#[test]
fn an_origin_that_is_not_allowed_is_forbidden() {
    for origin in ["http://localhost:3000", "http://127.0.0.1:8080", "https://APP.example"] {
        assert_eq!(status("localhost", &[origin], &local()), None, "{origin}");
    }
    for origin in [
        "null",
        "https://evil.example",
        "https://app.example/path",
        "http://localhost@evil.example",
        "http://localhost/x",
        "http://localhost:evil.example",
        "http://localhost:",
        "http://[::1]evil.example",
        "http://[127.0.0.1]",
        "http://[[::1]]",
        "://localhost",
        "evil.example/x://localhost",
    ] {
        assert_eq!(status("localhost", &[origin], &local()), Some(StatusCode::FORBIDDEN), "{origin}");
    }
    assert_eq!(status("localhost", &["https://app.example"; 2], &local()), Some(StatusCode::FORBIDDEN), "two origins");
}

#[test]
fn outside_loopback_only_listed_origins_pass_and_any_host_does() {
    let origins = Origins { allowed: Vec::new(), loopback: false };
    assert_eq!(status("gateway.portolan.svc", &[], &origins), None);
    assert_eq!(status("gateway", &["http://localhost"], &origins), Some(StatusCode::FORBIDDEN));
}

#[test]
fn other_methods_are_not_had() {
    let (request, ()) = Request::put("/mcp").header(HOST, "localhost").body(()).unwrap().into_parts();
    assert_eq!(admit(&request, &local(), |_| false).unwrap_err().status, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn the_host_of_an_authority_has_no_port_and_no_dot() {
    for (authority, host) in
        [("A.example:1", "a.example"), ("[::1]:80", "[::1]"), ("a.example.", "a.example"), ("a", "a")]
    {
        assert_eq!(host_of(authority), host);
    }
}

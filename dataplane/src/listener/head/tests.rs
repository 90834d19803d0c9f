use http::{Request, Version};

use super::*;

fn judge(version: Version, method: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), (u16, &'static str)> {
    let mut request = Request::builder().version(version).method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    check(&head, 8, false).map_err(|fault| (fault.status.as_u16(), fault.word))
}

fn http1(target: &str, headers: &[(&str, &str)]) -> Result<(), (u16, &'static str)> {
    judge(Version::HTTP_11, "POST", target, headers)
}

#[test]
fn ordinary_heads_pass() {
    for host in ["a.example", "a.example:8080", "127.0.0.1:1", "[::1]:8080", "[::1]", "a.example.", "LOCALHOST"] {
        assert_eq!(http1("/mcp", &[("host", host)]), Ok(()), "{host}");
    }
    assert_eq!(http1("/mcp", &[("host", "a"), ("connection", "keep-alive"), ("expect", "100-Continue")]), Ok(()));
    assert_eq!(http1("/mcp", &[("host", "a"), ("transfer-encoding", "Chunked")]), Ok(()));
    assert_eq!(http1("http://a:80/mcp", &[("host", "A:80")]), Ok(()));
    assert_eq!(judge(Version::HTTP_2, "POST", "http://a/mcp", &[]), Ok(()));
}

#[test]
fn a_head_has_so_many_fields_and_not_one_more() {
    let fields = |count| [("host", "a"); 1].into_iter().chain([("x", "y"); 8]).take(count).collect::<Vec<_>>();
    assert_eq!(http1("/mcp", &fields(8)), Ok(()));
    assert_eq!(http1("/mcp", &fields(9)), Err((431, "head_fields")));
}

#[test]
fn exactly_one_authority_is_wanted() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    let cases: &[Case] = &[
        ("/mcp", &[], "no_host"),
        ("/mcp", &[("host", "a"), ("host", "a")], "many_hosts"),
        ("/mcp", &[("host", "")], "bad_host"),
        ("/mcp", &[("host", "a b")], "bad_host"),
        ("/mcp", &[("host", "a,b")], "bad_host"),
        ("/mcp", &[("host", ":80")], "bad_host"),
        ("/mcp", &[("host", ".")], "bad_host"),
        ("/mcp", &[("host", "a:80x")], "bad_host"),
        ("/mcp", &[("host", "a:65536")], "bad_host"),
        ("/mcp", &[("host", "a:")], "bad_host"),
        ("/mcp", &[("host", "[::1]evil.example")], "bad_host"),
        ("/mcp", &[("host", "[::1]80")], "bad_host"),
        ("/mcp", &[("host", "a/b")], "bad_host"),
        ("/mcp", &[("host", "user@a")], "userinfo"),
        ("http://b/mcp", &[("host", "a")], "hosts_disagree"),
        ("http://a:81/mcp", &[("host", "a")], "hosts_disagree"),
        ("http://user@a/mcp", &[("host", "a")], "userinfo"),
        ("http://a/mcp", &[], "no_host"),
    ];
    for (target, headers, word) in cases {
        assert_eq!(http1(target, headers), Err((400, *word)), "{target} {headers:?}");
    }
    assert_eq!(judge(Version::HTTP_2, "POST", "http://a/mcp", &[("host", "b")]), Err((400, "hosts_disagree")));
}

#[test]
fn a_body_has_one_end() {
    let cases: &[&[(&str, &str)]] = &[
        &[("host", "a"), ("transfer-encoding", "chunked"), ("content-length", "3")],
        &[("host", "a"), ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        &[("host", "a"), ("transfer-encoding", "gzip, chunked")],
        &[("host", "a"), ("transfer-encoding", "identity")],
        &[("host", "a"), ("transfer-encoding", "xchunked")],
    ];
    for headers in cases {
        assert_eq!(http1("/mcp", headers), Err((400, "framing")), "{headers:?}");
    }
    let old = judge(Version::HTTP_10, "POST", "/mcp", &[("host", "a"), ("transfer-encoding", "chunked")]);
    assert_eq!(old, Err((400, "framing")));
}

#[test]
fn a_length_that_hyper_hides_counts_beside_chunks_only() {
    let judge = |headers: &[(&str, &str)]| {
        let request =
            headers.iter().fold(Request::post("/mcp"), |request, (name, value)| request.header(*name, *value));
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, 8, true).map_err(|fault| fault.word)
    };
    assert_eq!(judge(&[("host", "a"), ("transfer-encoding", "chunked")]), Err("framing"));
    // The line is that of a request that came right behind this one.
    assert_eq!(judge(&[("host", "a")]), Ok(()));
    assert_eq!(judge(&[("host", "a"), ("content-length", "3")]), Ok(()));
}

#[test]
fn connection_may_not_take_headers_away() {
    for value in ["authorization", "close, Mcp-Name", "x-tenant", "host", "keep-alive,content-length"] {
        let outcome = http1("/mcp", &[("host", "a"), ("connection", value)]);
        assert_eq!(outcome, Err((400, "connection_names_header")), "{value}");
    }
    assert_eq!(http1("/mcp", &[("host", "a"), ("connection", "close, , TE")]), Ok(()));
}

#[test]
fn what_we_cannot_do_is_refused() {
    assert_eq!(http1("/mcp", &[("host", "a"), ("expect", "200-ok")]), Err((417, "expect")));
    assert_eq!(judge(Version::HTTP_11, "CONNECT", "a:443", &[("host", "a:443")]), Err((405, "connect")));
}

use super::*;

#[test]
fn a_remote_without_a_port_takes_the_schemes_own() {
    let parsed = parse("https://mcp.vendor.example/mcp?tenant=1", Some("inner.example")).unwrap();
    assert_eq!(parsed.authority, "mcp.vendor.example");
    assert_eq!(parsed.path, "/mcp?tenant=1");
    let expected =
        Remote { host: "mcp.vendor.example".into(), port: 443, tls: true, tls_hostname: "inner.example".into() };
    assert_eq!(parsed.remote, expected);
}

#[test]
fn an_ipv6_literal_is_dialled_bare_and_written_in_brackets() {
    let parsed = parse("http://[2001:db8::1]:8080", None).unwrap();
    assert_eq!((parsed.remote.host.as_str(), parsed.remote.port, parsed.remote.tls), ("2001:db8::1", 8080, false));
    assert_eq!((parsed.authority.as_str(), parsed.path.as_str()), ("[2001:db8::1]:8080", "/"));
}

#[test]
fn what_is_not_a_plain_http_url_is_refused() {
    for (url, word) in [
        ("mcp.vendor.example", "not a URL"),
        ("ftp://x.example", "scheme"),
        ("https://user:hunter2@x.example", "user information"),
        ("https://x.example/#a", "fragment"),
        ("https:///x.example", "no host"),
        ("https:x.example", "no host"),
    ] {
        let error = parse(url, None).unwrap_err();
        assert!(error.contains(word), "{error}");
        assert!(!error.contains("hunter2"));
    }
    assert!(parse("http://x.example", Some("y.example")).unwrap_err().contains("tls.hostname"));
}

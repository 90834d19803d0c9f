use clap::error::ErrorKind;

use super::serving::origin;
use super::*;
use crate::telemetry::audit::Sink;

fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from([&["portolan-gateway"], arguments].concat())?.checked()
}

#[test]
fn flags_become_settings() {
    let options = parse(&[
        "--operator",
        "http://127.0.0.1:8090",
        "--operator",
        "http://localhost:8091",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "2",
        "--allow-origin",
        "https://App.example",
        "--allow-upstream",
        "10.0.0.0/8",
        "--audit-log",
        "-",
    ])
    .unwrap();
    assert_eq!(options.operator.len(), 2);
    let settings = options.settings();
    assert_eq!((settings.workers, settings.runtimes()), (2, (2, 1)));
    assert_eq!(settings.allow_origins, ["https://app.example"]);
    assert_eq!(settings.allow_upstreams, ["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(settings.audit_log, Some(Sink::Stdout));
    assert_eq!(settings.fleet, "default");
    assert!(settings.workers > 0);
}

#[test]
fn threads_that_share_the_work_share_one_runtime() {
    let operator = ["--operator", "http://127.0.0.1:8090"];
    let options = parse(&[&operator[..], &["--workers", "3", "--scheduling", "work-stealing"]].concat()).unwrap();
    assert_eq!(options.settings().runtimes(), (1, 3));
}

#[test]
fn what_cannot_be_parsed_is_a_usage_error() {
    let operator = ["--operator", "http://127.0.0.1:8090"];
    for bad in [
        &["--listen", "8080"][..],
        &["--admin", "nowhere"],
        &["--workers", "0"],
        &["--scheduling", "fair"],
        &["--allow-upstream", "10.0.0.0/33"],
        &["--allow-origin", "https://app.example/path"],
        &["--allow-origin", "app.example"],
        &["--unknown"],
        &["--operator", "http://10.0.0.1:8090"],
        &["--operator", "ftp://127.0.0.1"],
        &["--operator", "https://10.0.0.1:8090"],
        &["--tls-dir", "/tls"],
    ] {
        let error = parse(&[&operator[..], bad].concat()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{bad:?}");
    }
    assert_eq!(parse(&[]).unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
}

#[test]
fn an_encrypted_stream_needs_a_certificate_and_may_leave_the_machine() {
    let options = parse(&["--operator", "https://portolan-operator.system.svc:8090", "--tls-dir", "/tls"]).unwrap();
    assert_eq!(options.tls_dir, Some("/tls".into()));
    assert_eq!(parse(&["--operator", "https://10.0.0.1:8090"]).unwrap_err().exit_code(), 2);
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    assert_eq!(origin("https://app.example:443").unwrap(), "https://app.example");
    assert_eq!(origin("http://localhost:3000/").unwrap(), "http://localhost:3000");
    assert!(origin("https://user@app.example").is_err());
    assert!(origin("null").is_err());
}

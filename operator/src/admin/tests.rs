use super::*;
use crate::settings::{SecretAccess, Settings};

fn operator() -> Operator {
    Operator::new(Settings { secrets: SecretAccess::Files, ..Settings::default() })
}

fn status(method: &Method, path: &str, operator: &Operator) -> StatusCode {
    answer(method, path, operator, &Metrics::new()).status()
}

#[test]
fn it_is_ready_when_the_first_lists_are_done() {
    let operator = operator();
    assert_eq!(status(&Method::GET, "/livez", &operator), StatusCode::OK);
    assert_eq!(status(&Method::GET, "/readyz", &operator), StatusCode::SERVICE_UNAVAILABLE);
    operator.replace_all(Vec::new());
    assert_eq!(status(&Method::GET, "/readyz", &operator), StatusCode::OK);
}

#[test]
fn it_only_reads_and_knows_its_paths() {
    let operator = operator();
    assert_eq!(status(&Method::POST, "/config", &operator), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(status(&Method::GET, "/", &operator), StatusCode::NOT_FOUND);
    assert_eq!(status(&Method::GET, "/config", &operator), StatusCode::OK);
}

#[test]
fn metrics_are_prometheus_text() {
    let text = Metrics::new().render(&operator());
    assert!(text.contains("portolan_operator_gateways 0"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

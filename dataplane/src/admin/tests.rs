use super::*;

fn admin() -> Admin {
    let config = || Bytes::from_static(b"{}");
    serving(Source::Stream, config)
}

fn serving(source: Source, config: impl Fn() -> Bytes + Send + Sync + 'static) -> Admin {
    let metrics = Metrics::new(&Limits::default());
    Admin { readiness: Readiness::new(), metrics, source: Arc::new(move || source), config: Arc::new(config) }
}

fn ask(admin: &Admin, method: &str, path: &str) -> (u16, String) {
    let response = admin.answer(&Request::builder().method(method).uri(path).body(()).unwrap());
    let kind = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind)
}

#[test]
fn readiness_follows_its_blockers() {
    let admin = admin();
    let blocker = admin.readiness.block("first step");
    assert_eq!(ask(&admin, "GET", "/readyz").0, 503);
    assert_eq!(ask(&admin, "GET", "/livez").0, 200);
    drop(blocker);
    assert_eq!(ask(&admin, "GET", "/readyz").0, 200);
}

#[test]
fn a_gateway_that_serves_from_disk_is_ready_and_says_so() {
    use http_body_util::BodyExt;
    let words = |source| {
        let admin = serving(source, Bytes::new);
        let response = admin.answer(&Request::get("/readyz").body(()).unwrap());
        assert_eq!(response.status(), StatusCode::OK);
        let body = futures::FutureExt::now_or_never(response.into_body().collect()).unwrap().unwrap();
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    };
    assert_eq!(words(Source::Stream), "ok\n");
    assert!(words(Source::Disk).contains("from disk"));
}

#[test]
fn there_are_four_pages_and_no_way_to_change_anything() {
    let admin = admin();
    assert_eq!(ask(&admin, "GET", "/metrics"), (200, metrics::CONTENT_TYPE.to_owned()));
    assert_eq!(ask(&admin, "GET", "/config"), (200, "application/json".to_owned()));
    assert_eq!(ask(&admin, "GET", "/debug/pprof").0, 404);
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert_eq!(ask(&admin, method, "/config").0, 405);
    }
}

#[test]
fn the_ready_file_has_both_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    write_ready_file(&path, "127.0.0.1:41234".parse().unwrap(), "127.0.0.1:41235".parse().unwrap()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.trim(), r#"{"listen":"127.0.0.1:41234","admin":"127.0.0.1:41235"}"#);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn the_port_answers() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let serving = tokio::spawn(admin().serve(socket, Limits::default()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    serving.abort();
}

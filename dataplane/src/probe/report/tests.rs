use std::time::Duration;

use bytes::Bytes;
use portolan_config::{Body, Kind, Version, proto};

use super::Finding;
use crate::probe::tests::target;
use crate::probe::{Fault, Found, Listing, Reason};
use crate::upstream::tests::server::Server;

fn tool(name: &str, size: usize) -> proto::Tool {
    proto::Tool { name: name.to_owned(), definition: Bytes::from(vec![b'x'; size]), digest: format!("sha256:{name}") }
}

fn found(tools: Vec<proto::Tool>) -> Found {
    let listing = Listing { tools, ..Listing::default() };
    Found { facts: proto::ServerFacts::default(), listing, latency: Duration::from_micros(7) }
}

#[tokio::test]
async fn a_catalogue_travels_in_chunks_that_keep_its_order() {
    let server = Server::json("{}").await;
    let tools: Vec<_> = (0..20).map(|index| tool(&index.to_string(), 150 * 1024)).collect();
    let finding = Finding::of(&target(&server), &Ok(found(tools.clone())));
    let mut read = Vec::new();
    for (index, (name, body)) in finding.chunks.iter().enumerate() {
        assert_eq!(name.as_str(), format!("Chunk/shop/tools/{index}"));
        assert!(body.len() <= 1024 * 1024);
        assert_eq!(finding.report.chunks[index].version, Version::of(body).to_string());
        let Ok(Body::Chunk(chunk)) = Body::decode(Kind::Chunk, body) else { panic!("not a chunk") };
        read.extend(chunk.tools);
    }
    assert_eq!(read, tools);
    assert_eq!(finding.chunks.len(), 4, "six of these tools fit into one chunk");
    assert_eq!(finding.report.message, "20 tools");
    assert!(finding.report.verified && finding.report.reason == "Verified");
}

#[tokio::test]
async fn a_changed_definition_or_order_is_news_and_a_changed_latency_is_not() {
    let server = Server::json("{}").await;
    let target = target(&server);
    let first = Finding::of(&target, &Ok(found(vec![tool("a", 1), tool("b", 1)])));
    let slower = Found { latency: Duration::from_secs(1), ..found(vec![tool("a", 1), tool("b", 1)]) };
    assert!(!Finding::of(&target, &Ok(slower)).is_news(&first));
    assert!(Finding::of(&target, &Ok(found(vec![tool("b", 1), tool("a", 1)]))).is_news(&first));
    assert!(Finding::of(&target, &Ok(found(vec![tool("a", 1)]))).is_news(&first));
}

#[tokio::test]
async fn a_fault_is_a_report_without_a_catalogue() {
    let server = Server::json("{}").await;
    let finding = Finding::of(&target(&server), &Err(Fault::new(Reason::TimedOut, "too slow")));
    assert!(finding.chunks.is_empty() && !finding.report.verified);
    assert_eq!((finding.report.reason.as_str(), finding.report.message.as_str()), ("TimedOut", "too slow"));
    assert_eq!(finding.report.server, "Server/shop/tools");
    assert_eq!(finding.report.server_version, Version::of(b"1").to_string());
}

#[tokio::test]
async fn what_is_left_out_is_told_with_counts() {
    let server = Server::json("{}").await;
    let mut found = found(vec![tool("a", 1)]);
    found.listing.omitted.0.insert("no name".to_owned(), 2);
    found.listing.omitted.0.insert("no schema".to_owned(), 1);
    let finding = Finding::of(&target(&server), &Ok(found));
    assert_eq!(finding.report.message, "1 tools, 3 left out: no name (2); no schema (1)");
}

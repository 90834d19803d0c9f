//! CPU per `tools/list` beside nginx serving the same bytes from a file: a small list, and a page of five thousand tools. Rules leave each
//! principal the tools of one server; each connection is a principal of its own with claims of its own.

use anyhow::Context;

use super::call::{self, Era};
use super::load::Request;
use super::paired::{self, Side};
use super::stage::Rig;
use super::{Flags, upstream};

const CONNECTIONS: usize = 16;

/// Measures a small and a large list; the worst ratio.
pub async fn measure(flags: &Flags) -> anyhow::Result<f64> {
    paired::title(flags, "CPU per tools/list, 16 principals, beside the same bytes from a file");
    let mut worst: f64 = 0.0;
    for (servers, tools) in [(2, 10), (5, 1_000)] {
        let rig = Rig::start(flags, servers, upstream::Tools(tools - 1)).await?;
        let mut requests = Vec::new();
        for principal in 0..CONNECTIONS {
            let token = rig.stage.issuer.token(principal)?;
            let list = call::post(
                rig.gateway.address,
                Era::Modern,
                Some(&token),
                "tools/list",
                "Mcp-Method: tools/list\r\n",
                "",
            );
            requests.push(list.await?.answered_with(r#""name":"first_tool_0""#).settled().await?);
        }
        let bytes = requests.first().context("no principal")?.once().await?;
        std::fs::write(rig.stage.folder.join("list.json"), &bytes)?;
        let get = format!("GET /list.json HTTP/1.1\r\nHost: {}\r\n\r\n", rig.nginx.address);
        let get = Request::new(rig.nginx.address, get.into_bytes()).answered_with(r#""name":"first_tool_0""#);
        let theirs = Side { proxy: &rig.nginx, requests: vec![get; CONNECTIONS] };
        let ours = Side { proxy: &rig.gateway, requests };
        let name = format!("{} of {} tools, {} KB", tools, servers * tools, bytes.len() / 1000);
        worst = worst.max(paired::compare(flags, &name, &theirs, &ours).await?);
    }
    println!();
    Ok(worst)
}

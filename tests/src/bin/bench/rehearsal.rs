//! What a gateway is rehearsed with whose compiler is to know what runs: it measures nothing. Calls and lists of both eras, and names that are not there,
//! one after the other; then the gateway is asked to end, since only a program that ends in order writes down what it counted.

use std::net::SocketAddr;

use super::call::{self, Era};
use super::load::Request;
use super::proxies::Shape;
use super::stage::Gateways;
use super::{Flags, upstream};

/// Of each kind. What is rare in them, such as a step of the configuration, stays rare in the profile.
const TIMES: usize = 5_000;

/// Rehearses the program.
pub async fn run(flags: &Flags) -> anyhow::Result<()> {
    let mut rehearsed = Gateways::start(flags, &[Shape::ONE_WORKER], upstream::Tools(10)).await?;
    let Some(gateway) = rehearsed.gateways.pop() else { return Ok(()) };
    let token = rehearsed.stage.issuer.token(0)?;
    for era in Era::ALL {
        let absent = post(gateway.address, era, &token, "tools/call", "absent", r#""name":"absent""#).await?;
        let list = post(gateway.address, era, &token, "tools/list", "", "").await?;
        let kinds = [
            call::call(gateway.address, era, Some(&token)).await?,
            list.answered_with(r#""name":"first_tool_0""#),
            absent.answered_with("unknown tool"),
        ];
        for kind in kinds {
            kind.settled().await?.times(TIMES).await?;
        }
    }
    gateway.stop().await
}

async fn post(
    address: SocketAddr,
    era: Era,
    token: &str,
    method: &str,
    name: &str,
    params: &str,
) -> anyhow::Result<Request> {
    let name = if name.is_empty() { String::new() } else { format!("Mcp-Name: {name}\r\n") };
    call::post(address, era, Some(token), method, &format!("Mcp-Method: {method}\r\n{name}"), params).await
}

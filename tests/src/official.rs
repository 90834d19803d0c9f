//! Clients that others wrote: the official SDKs for TypeScript and Python and the conformance suite as programs, and rmcp in this process.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use rmcp::model::{ClientConfig, ProtocolVersion};
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::Value;
use tokio::process::Command;

/// Whose SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    /// TypeScript's.
    TypeScript,
    /// Python's.
    Python,
}

/// One run of an SDK's client.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// Whose.
    pub sdk: Sdk,
    /// The endpoint.
    pub url: &'a str,
    /// `auto`, `2025-11-25` or `2026-07-28`.
    pub protocol: &'a str,
    /// The token.
    pub token: Option<&'a str>,
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// Where [`install`] puts a program.
#[must_use]
pub fn installed(program: &str) -> PathBuf {
    root().join("target/clients").join(program)
}

/// Installs the SDKs and the conformance suite, pinned by their lock files, where they are not.
///
/// # Errors
/// The script fails: it says what is missing.
pub async fn install() -> anyhow::Result<()> {
    let installed =
        Command::new(root().join("tests/clients/install.sh")).output().await.context("tests/clients/install.sh")?;
    ensure!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    Ok(())
}

impl Run<'_> {
    /// Runs a command (`["list"]`, `["call", NAME, JSON]`) and gives the line that it prints.
    ///
    /// # Errors
    /// It does not end in time, or prints no JSON.
    pub async fn go(&self, command: &[&str]) -> anyhow::Result<Value> {
        install().await?;
        let program = match self.sdk {
            Sdk::TypeScript => "mcp-typescript",
            Sdk::Python => "mcp-python",
        };
        let mut client = Command::new(installed(program));
        client.arg(self.url).args(["--protocol", self.protocol]);
        if let Some(token) = self.token {
            client.args(["--token", token]);
        }
        client.args(command).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(2 * crate::eventually::PATIENCE, client.output())
            .await
            .context("the client does not end")??;
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(text.trim())
            .with_context(|| format!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// A client on rmcp, connected: by `server/discover` if `modern`, otherwise by `initialize`.
///
/// # Errors
/// It does not get through.
pub async fn rmcp(
    url: &str,
    modern: bool,
    token: Option<&str>,
) -> anyhow::Result<RunningService<RoleClient, ClientConfig>> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    config.auth_header = token.map(str::to_owned);
    let lifecycle = if modern {
        ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
    } else {
        ClientLifecycleMode::Initialize
    };
    let transport = StreamableHttpClientTransport::from_config(config);
    ClientConfig::default().serve_with_lifecycle(transport, lifecycle).await.context("rmcp client")
}

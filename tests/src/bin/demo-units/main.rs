//! A demonstration MCP server that converts units. Useful as it is, and harmless: it only reads.

mod units;

use clap::Parser;
use portolan_tests::mcp_server::{self, Options};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::schemars::{self, JsonSchema};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};

/// The server. It keeps nothing.
#[derive(Clone, Debug)]
struct Units;

#[derive(Debug, Deserialize, JsonSchema)]
struct Conversion {
    /// The number to convert
    value: f64,
    /// Its unit, such as "km/h" or "°F"
    from: String,
    /// The unit wanted
    to: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Converted {
    /// The number in the unit wanted
    value: f64,
    /// That unit
    unit: &'static str,
    /// What both units measure
    quantity: &'static str,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Listing {
    /// Only units of this quantity, such as "length"
    quantity: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    units: Vec<Unit>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Unit {
    /// What to write for it
    symbol: &'static str,
    name: &'static str,
    quantity: &'static str,
}

#[tool_router]
impl Units {
    /// Converts a number from one unit to another of the same quantity.
    #[tool(annotations(
        title = "Convert units",
        read_only_hint = true,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    fn convert(&self, Parameters(wanted): Parameters<Conversion>) -> Result<Json<Converted>, String> {
        let (from, to) = (units::find(&wanted.from)?, units::find(&wanted.to)?);
        let value = units::convert(wanted.value, from, to)?;
        Ok(Json(Converted { value, unit: to.symbol, quantity: to.quantity }))
    }

    /// Lists the units that can be converted.
    #[tool(annotations(title = "List units", read_only_hint = true, idempotent_hint = true, open_world_hint = false))]
    fn list_units(&self, Parameters(wanted): Parameters<Listing>) -> Json<Listed> {
        let wanted = wanted.quantity.as_deref();
        let units = units::ALL.iter().filter(|unit| wanted.is_none_or(|wanted| wanted == unit.quantity));
        let shown = |unit: &units::Unit| Unit { symbol: unit.symbol, name: unit.name, quantity: unit.quantity };
        Json(Listed { units: units.map(shown).collect() })
    }
}

#[tool_handler]
impl ServerHandler for Units {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("demo-units", env!("CARGO_PKG_VERSION")))
            .with_instructions("Converts units of length, mass, temperature, volume, speed, time and data.")
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    mcp_server::run(Options::parse(), Units).await
}

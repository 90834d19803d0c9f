//! `portolan-gateway`: one gateway of a fleet, in step with its operator.

use std::process::ExitCode;

use clap::Parser;
use portolan_dataplane::config::ConfigSource;
use portolan_dataplane::gateway::Gateway;
use portolan_dataplane::options::Options;
use portolan_dataplane::stop::Stops;
use portolan_dataplane::telemetry::log;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse().checked().unwrap_or_else(|error| error.exit());
    log::init();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stops = Stops::listen()?;
    let operators = ConfigSource::operators(&options.operator, options.tls_dir.as_deref())?;
    Gateway::start(options.settings(), operators).await?.run(stops.times(1), stops.times(2)).await
}

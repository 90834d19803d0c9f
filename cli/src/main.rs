//! `portolan`: everything that a person does with Portolan from a shell.

use std::process::ExitCode;

use clap::Parser;
use portolan_cli::options::{Command, Options};
use portolan_cli::{check, standalone};
use portolan_dataplane::telemetry::log;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let outcome = match Options::parse().command {
        Command::Check(options) => check::run(&options, &mut std::io::stdout()),
        Command::Standalone(options) => {
            log::init();
            standalone::run(*options)
        }
    };
    outcome.unwrap_or_else(|error| {
        // The only words of a command that failed; logs may be off.
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("portolan: {error:#}\n"));
        ExitCode::FAILURE
    })
}

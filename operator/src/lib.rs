//! The operator: reads objects, joins them into resources, pushes those to gateways and says in status what became of it.
//!
//! ```text
//! watch (or files) -> index -> translate -> publish -> serve        status                  lease
//!        edge          pure      pure       debounce   streams   pure, but for the writer   pure, but for the keeper
//! ```
//!
//! [`operator::Operator`] is the whole behind one handle; a cluster's watches and a folder of files feed it alike. Without a cluster:
//!
//! ```no_run
//! # async fn example(objects: Vec<portolan_operator::object::Object>) {
//! use portolan_operator::{metrics::Metrics, operator::Operator, publish, serve, settings::{SecretAccess, Settings}};
//!
//! let settings = Settings { secrets: SecretAccess::Files, open_without_authentication: true, ..Settings::default() };
//! let operator = Operator::new(settings);
//! operator.replace_all(objects);            // again whenever the files change
//! operator.publish_now();
//! let stop = tokio_util::sync::CancellationToken::new();
//! tokio::spawn(publish::run(operator.clone(), Metrics::new(), stop)); // reports and gateways publish too
//! let (to_operator, from_operator) = serve::connect(&operator);        // a gateway's stream, in this process
//! for status in operator.conditions() {
//!     // what status would say, with reason, field and remedy
//! }
//! # }
//! ```
//!
//! It must never speak MCP, import the data plane, or read a Secret that nobody granted.
#![warn(missing_docs)]

pub mod admin;
pub mod clock;
pub mod core;
pub mod identity;
pub mod index;
pub mod lease;
pub mod metrics;
pub mod object;
pub mod operator;
pub mod options;
pub mod publish;
pub mod run;
pub mod serve;
pub mod settings;
pub mod status;
pub mod translate;
pub mod watch;

#[cfg(test)]
mod fixtures;

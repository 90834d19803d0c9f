//! When dirty names become a step: after every first list, and after a short silence, so that one `kubectl apply` is one step.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{metrics::Metrics, operator::Operator};

/// How long edits gather before they are translated together.
pub const DEBOUNCE: Duration = Duration::from_millis(50);

/// Publishes what is dirty until `stop`.
pub async fn run(operator: Operator, metrics: Metrics, stop: CancellationToken) {
    let publishing = async {
        let mut first = true;
        loop {
            operator.settled().await;
            operator.dirtied().await;
            tokio::time::sleep(DEBOUNCE).await;
            let began = tokio::time::Instant::now();
            let sequence = operator.publish_now();
            metrics.published(began.elapsed().as_secs_f64());
            if std::mem::take(&mut first) {
                tracing::info!(sequence, "first step");
            }
        }
    };
    stop.run_until_cancelled(publishing).await;
}

#[cfg(test)]
mod tests;

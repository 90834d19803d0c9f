//! An open stream of configuration: its two ends, wherever it leads.

use portolan_config::proto::{FromGateway, FromOperator};
use tokio::sync::mpsc;

/// An open stream.
pub struct Link {
    /// To the operator.
    pub sender: mpsc::Sender<FromGateway>,
    /// From it; an error ends the stream.
    pub receiver: mpsc::Receiver<Result<FromOperator, String>>,
}

//! A key of the fleet's ring as it is kept. It is handed on and never looked at.

use serde::{Deserialize, Serialize};

/// A sealing key: 32 bytes in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingKey {
    pub(super) key: String,
}

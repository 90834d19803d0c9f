//! What was lately learnt of a server's tools beyond its catalogue: the mirrored arguments that their schemas ask for.
//!
//! It keeps and shares what others find out; it must never ask a server itself.

use std::sync::{Arc, LazyLock};

use quick_cache::sync::Cache;

use crate::mcp::param::ParamHeader;

/// Tools whose present is kept.
const KEPT: usize = 256;

/// The mirrored arguments of a tool.
pub type Headers = Arc<[ParamHeader]>;

/// By name and moment; nothing where the server did not say.
pub struct Schemas(LazyLock<Learnt>);

type Learnt = Cache<(Arc<str>, u64), Option<Headers>>;

impl Default for Schemas {
    fn default() -> Self {
        // By its first use: an empty cache is kilobytes, and hardly any server needs one.
        Self(LazyLock::new(|| Cache::new(KEPT)))
    }
}

impl Schemas {
    /// What is known of a tool at a moment; found by `ask` if nothing is, once for all that want it at the same time.
    pub async fn at(
        &self,
        tool: &Arc<str>,
        moment: u64,
        ask: impl Future<Output = Option<Headers>>,
    ) -> Option<Headers> {
        let asked = async { Ok::<_, std::convert::Infallible>(ask.await) };
        let Ok(found) = self.0.get_or_insert_async(&(Arc::clone(tool), moment), asked).await;
        found
    }
}

//! A page of a server's `tools/list`, cut into definitions that stay byte for byte as they were sent.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The definitions, JSON.
    pub tools: Vec<Bytes>,
    /// Where the list goes on; an empty text is a cursor too.
    pub next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    next_cursor: Option<String>,
}

impl Listed {
    /// Reads the result of `tools/list`; `None` if it is no list of tools.
    #[must_use]
    pub fn parse(result: &Bytes) -> Option<Self> {
        let page: Page<'_> = serde_json::from_slice(result).ok()?;
        let tools = page.tools.iter().map(|tool| result.slice_ref(tool.get().as_bytes())).collect();
        Some(Self { tools, next_cursor: page.next_cursor })
    }
}

#[cfg(test)]
mod tests;

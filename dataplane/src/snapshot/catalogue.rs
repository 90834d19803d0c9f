//! The definitions of one server, parsed once and shared by every route that shows them.

use std::sync::Arc;

use portolan_config::proto;

use crate::mcp::definition::Definition;
use crate::mcp::param::ParamHeader;

/// A tool as its server defined it.
pub struct CatalogueTool {
    /// The definition, byte for byte, and where the members are that we read or splice.
    pub definition: Definition,
    /// Headers that mirror arguments towards 2026-07-28 servers.
    pub headers: Arc<[ParamHeader]>,
}

/// Parses a chunk. A definition that cannot be read refuses the chunk: its gateway should never have reported it.
pub fn parse_chunk(chunk: &proto::Chunk) -> Result<Arc<[CatalogueTool]>, String> {
    chunk.tools.iter().map(parse_tool).collect()
}

fn parse_tool(tool: &proto::Tool) -> Result<CatalogueTool, String> {
    let definition = Definition::parse(&tool.definition).map_err(|error| format!("tool {:?}: {error}", tool.name))?;
    let headers = ParamHeader::of_schema(definition.input_schema());
    let headers = headers.map_err(|error| format!("tool {:?}: {error}", tool.name))?;
    Ok(CatalogueTool { definition, headers: headers.into() })
}

/// All tools of a server, over its chunks.
#[derive(Clone, Default)]
pub struct Catalogue {
    chunks: Vec<Arc<[CatalogueTool]>>,
}

impl Catalogue {
    /// A catalogue over the chunks, in their order.
    pub fn new(chunks: Vec<Arc<[CatalogueTool]>>) -> Self {
        Self { chunks }
    }

    /// The tools in the server's own order.
    pub fn tools(&self) -> impl Iterator<Item = &CatalogueTool> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

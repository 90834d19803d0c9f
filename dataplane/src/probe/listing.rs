//! The tools of a server, over all pages, each definition byte for byte as it was sent. Bounded in pages, tools and bytes.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use portolan_config::proto;

use super::fault::{Fault, Reason};
use super::target::Target;
use super::wire::{ID, Said, Session, Voice, post, read};
use crate::mcp::Era;
use crate::mcp::definition::Definition;
use crate::mcp::digest::digest;
use crate::mcp::listing::Listed;
use crate::mcp::message;
use crate::mcp::param::ParamHeader;
use crate::upstream::UpstreamError;
use crate::upstream::ask::Reply;

const PAGES: usize = 64;
const TOOLS: usize = 1024;
/// Bytes of all definitions together.
const BYTES: usize = 8 * 1024 * 1024;
/// Bytes of one definition: a chunk of a catalogue holds at least two.
const DEFINITION_BYTES: usize = 512 * 1024;

/// The usable tools of a server, in its own order, and why others are left out.
#[derive(Debug, Default)]
pub struct Listing {
    /// One of each name.
    pub tools: Vec<proto::Tool>,
    /// What is left out.
    pub omitted: Omitted,
}

/// A listing in the making.
#[derive(Default)]
struct Collector {
    listing: Listing,
    names: HashSet<String>,
    bytes: usize,
}

/// Tools that are left out, counted by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omitted(pub BTreeMap<String, usize>);

impl Omitted {
    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.values().sum()
    }
}

/// Lists the tools: in a session, or without one in the modern era.
pub(super) async fn list(target: &Target, session: Option<&Session>) -> Result<Listing, Fault> {
    let (era, voice) = match session {
        Some(session) => (Era::Legacy, Voice::Session(session)),
        None => (Era::Modern, Voice::Modern { method: "tools/list" }),
    };
    let mut collector = Collector::default();
    let mut cursors = HashSet::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES {
        let body = message::tools_list_request(ID, era, cursor.as_deref());
        let reply = post(target, &voice, body).await.map_err(too_large)?;
        let Some(next) = collector.take(&reply)? else { return Ok(collector.listing) };
        if !cursors.insert(next.clone()) {
            return Err(Fault::protocol("tools/list gives the same cursor twice"));
        }
        cursor = Some(next);
    }
    Err(Fault::new(Reason::ListTooLarge, format!("tools/list has more than {PAGES} pages")))
}

/// A page that is cut off at its bound is a list that is too large.
fn too_large(error: UpstreamError) -> Fault {
    match error {
        UpstreamError::TooLarge => Fault::new(Reason::ListTooLarge, "a page of tools/list is larger than 2 MiB"),
        error => error.into(),
    }
}

impl Collector {
    /// Takes one page, and gives the cursor of the next.
    fn take(&mut self, reply: &Reply) -> Result<Option<String>, Fault> {
        if let Some(fault) = Fault::of_status(reply.status) {
            return Err(fault);
        }
        let object = match read(reply) {
            Said::Result { object, parts } if reply.status.is_success() && parts.is_complete(&reply.message) => object,
            Said::Error { parts } => {
                let code = parts.code.unwrap_or_default();
                return Err(Fault::protocol(format!("tools/list is answered with error {code}")));
            }
            _ => return Err(Fault::protocol("tools/list is answered with no result")),
        };
        let page =
            Listed::parse(&object).ok_or_else(|| Fault::protocol("the result of tools/list is not a list of tools"))?;
        for tool in &page.tools {
            self.add(tool)?;
        }
        Ok(page.next_cursor)
    }

    fn add(&mut self, definition: &Bytes) -> Result<(), Fault> {
        match usable(definition) {
            Ok(tool) if self.names.contains(&tool.name) => self.omit("a tool of this name came before".to_owned()),
            Ok(tool) => {
                self.bytes += definition.len();
                if self.listing.tools.len() == TOOLS || self.bytes > BYTES {
                    let message = format!("there are more than {TOOLS} tools or {} MiB of definitions", BYTES >> 20);
                    return Err(Fault::new(Reason::ListTooLarge, message));
                }
                self.names.insert(tool.name.clone());
                self.listing.tools.push(tool);
            }
            Err(why) => self.omit(why),
        }
        Ok(())
    }

    fn omit(&mut self, why: String) {
        *self.listing.omitted.0.entry(why).or_default() += 1;
    }
}

/// A definition that every client can use, or why not.
fn usable(definition: &Bytes) -> Result<proto::Tool, String> {
    if definition.len() > DEFINITION_BYTES {
        return Err(format!("a definition is larger than {} KiB", DEFINITION_BYTES >> 10));
    }
    let parsed = Definition::parse(definition).map_err(|error| error.to_string())?;
    ParamHeader::of_schema(parsed.input_schema()).map_err(|error| error.to_string())?;
    let digest = digest(definition).map_err(|error| error.to_string())?;
    Ok(proto::Tool { name: parsed.name().to_owned(), definition: definition.clone(), digest })
}

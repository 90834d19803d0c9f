//! A demonstration MCP server that keeps notes in memory: something to add, to find and to delete, so that policies have something to guard.

mod notes;

use std::sync::Arc;

use clap::Parser;
use portolan_tests::mcp_server::{self, Options};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::schemars::{self, JsonSchema};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};

use crate::notes::{Note, Notes};

/// The server; clones share the notes.
#[derive(Clone, Debug, Default)]
struct Server {
    notes: Arc<Notes>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct NewNote {
    /// A line that says what it is about
    title: String,
    /// The note itself
    text: String,
    /// The notebook that it belongs to
    #[serde(default = "personal")]
    notebook: String,
}

fn personal() -> String {
    "personal".to_owned()
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Search {
    /// Words that the title or the text must have, in any case
    query: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Listing {
    /// Only notes of this notebook
    notebook: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Which {
    /// The note's id
    id: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    notes: Vec<Note>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Deleted {
    /// How many notes are left
    left: usize,
}

#[tool_router]
impl Server {
    /// Writes a note.
    #[tool(annotations(
        title = "Add a note",
        read_only_hint = false,
        destructive_hint = false,
        open_world_hint = false
    ))]
    fn add_note(&self, Parameters(new): Parameters<NewNote>) -> Result<Json<Note>, String> {
        self.notes.add(new.notebook, new.title, new.text).map(Json)
    }

    /// Finds notes by their words.
    #[tool(annotations(
        title = "Search notes",
        read_only_hint = true,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    fn search_notes(&self, Parameters(search): Parameters<Search>) -> Json<Found> {
        Json(Found { notes: self.notes.search(&search.query) })
    }

    /// Lists notes, the newest first.
    #[tool(annotations(title = "List notes", read_only_hint = true, idempotent_hint = true, open_world_hint = false))]
    fn list_notes(&self, Parameters(listing): Parameters<Listing>) -> Json<Found> {
        Json(Found { notes: self.notes.list(listing.notebook.as_deref()) })
    }

    /// Deletes a note for good.
    #[tool(annotations(
        title = "Delete a note",
        destructive_hint = true,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    fn delete_note(&self, Parameters(which): Parameters<Which>) -> Result<Json<Deleted>, String> {
        self.notes.delete(which.id).map(|left| Json(Deleted { left }))
    }

    /// Deletes every note of every notebook.
    #[tool(annotations(title = "Delete all notes", destructive_hint = true, open_world_hint = false))]
    fn delete_all_notes(&self) -> Json<Deleted> {
        self.notes.clear();
        Json(Deleted { left: 0 })
    }
}

#[tool_handler]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("demo-notes", env!("CARGO_PKG_VERSION")))
            .with_instructions("Keeps notes in notebooks until the server stops.")
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    mcp_server::run(Options::parse(), Server::default()).await
}

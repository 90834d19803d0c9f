//! The digest of a definition: what is pinned and compared.
//!
//! SHA-256 over the JSON with keys sorted, insignificant white space cut and scalars as sent: a server that only reorders is the same server,
//! one that writes `1.0` for `1` is not.

use sha2::{Digest as _, Sha256};

use super::json::{Reader, SyntaxError};
use super::span::{Span, Text};

/// The text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON")]
pub struct NotJson;

impl From<SyntaxError> for NotJson {
    fn from(_: SyntaxError) -> Self {
        Self
    }
}

enum Node {
    Scalar(Span),
    Array(Vec<Self>),
    /// Key as it reads, key as sent, value.
    Object(Vec<(String, Span, Self)>),
}

/// The digest of a JSON text: `sha256:` and 64 hexadecimal digits.
///
/// # Errors
/// [`NotJson`].
pub fn digest(json: &[u8]) -> Result<String, NotJson> {
    let mut reader = Reader::tolerant(json)?;
    let node = read(&mut reader, json)?;
    reader.end()?;
    let mut hash = Sha256::new();
    write(&node, json, &mut |bytes| hash.update(bytes));
    Ok(format!("sha256:{}", hex::encode(hash.finalize())))
}

/// The reader bounds the depth, so recursion is bounded too.
fn read(reader: &mut Reader<'_>, json: &[u8]) -> Result<Node, SyntaxError> {
    match reader.peek() {
        Some(b'{') => {
            let mut members = Vec::new();
            reader.object(|reader, key: Text| {
                members.push((key.decode(json).into_owned(), key.span, read(reader, json)?));
                Ok(())
            })?;
            // Stable: of two equal keys the order as sent is part of what was sent.
            members.sort_by(|(a, ..), (b, ..)| a.cmp(b));
            Ok(Node::Object(members))
        }
        Some(b'[') => {
            let mut elements = Vec::new();
            reader.array(|reader| {
                elements.push(read(reader, json)?);
                Ok(())
            })?;
            Ok(Node::Array(elements))
        }
        _ => Ok(Node::Scalar(reader.value()?.span)),
    }
}

fn write(node: &Node, json: &[u8], out: &mut impl FnMut(&[u8])) {
    match node {
        Node::Scalar(span) => out(span.of(json)),
        Node::Array(elements) => {
            out(b"[");
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out(b",");
                }
                write(element, json, out);
            }
            out(b"]");
        }
        Node::Object(members) => {
            out(b"{");
            for (index, (_, key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out(b",");
                }
                out(key.of(json));
                out(b":");
                write(value, json, out);
            }
            out(b"}");
        }
    }
}

#[cfg(test)]
mod tests;

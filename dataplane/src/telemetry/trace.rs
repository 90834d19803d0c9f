//! W3C trace context: whose trace a request belongs to, and how the next hop hears of it.
//!
//! A context that is not exactly what the recommendation says begins a new trace; it is never an error, and never repeated.

use std::ops::Deref;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Names the parent.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What other systems keep of the trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Bytes of `tracestate` that are passed on (the recommendation asks for 512 at least).
const STATE: usize = 512;
/// Bytes of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// A request's place in a trace.
#[derive(Clone, Debug)]
pub struct Trace {
    id: [u8; 16],
    span: [u8; 8],
    sampled: bool,
    state: Option<HeaderValue>,
    /// Somebody else began it.
    joined: bool,
}

impl Trace {
    /// The trace that a request's headers name, or a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let parent = single(headers, &TRACEPARENT).and_then(|value| value.to_str().ok());
        // Two lines of `tracestate` would have to be joined; nobody who sends us one sends two.
        let state = single(headers, &TRACESTATE);
        Self::new(parent, state.cloned())
    }

    /// The trace that a parent names, or a new one. `state` counts only with a valid parent.
    #[must_use]
    pub fn new(parent: Option<&str>, state: Option<HeaderValue>) -> Self {
        // Ids need to be different, not secret.
        let span = fastrand::u64(1..).to_be_bytes();
        match parent.and_then(parse) {
            Some((id, sampled)) => {
                let state = state.filter(|value| value.len() <= STATE);
                Self { id, span, sampled, state, joined: true }
            }
            None => Self { id: fastrand::u128(1..).to_be_bytes(), span, sampled: false, state: None, joined: false },
        }
    }

    /// Joins the trace that a message's own metadata names, unless the headers named one: whoever is nearest wrote those.
    pub fn join(&mut self, parent: &str, state: Option<&str>) {
        if !self.joined {
            *self = Self::new(Some(parent), state.and_then(|state| HeaderValue::from_str(state).ok()));
        }
    }

    /// The trace's id.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// `traceparent` for the next hop: the same trace, with our own span as parent.
    #[must_use]
    pub fn child(&self) -> Traceparent {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        // Both slices are exactly twice as long as what is written into them.
        let _ = hex::encode_to_slice(self.id, &mut text[3..35]);
        let _ = hex::encode_to_slice(self.span, &mut text[36..52]);
        text[54] += u8::from(self.sampled);
        Traceparent(text)
    }

    /// `tracestate` for the next hop.
    #[must_use]
    pub fn state(&self) -> Option<&HeaderValue> {
        self.state.as_ref()
    }
}

/// A `traceparent`, without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct Traceparent([u8; LENGTH]);

impl Deref for Traceparent {
    type Target = str;

    fn deref(&self) -> &str {
        // Hexadecimal digits and dashes.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// `VERSION-TRACE-SPAN-FLAGS` in lower case; versions after 00 may have more behind it, ff is none.
fn parse(text: &str) -> Option<([u8; 16], bool)> {
    let bytes = text.as_bytes();
    let (head, rest) = (bytes.get(..LENGTH)?, &bytes[LENGTH..]);
    if head.iter().any(u8::is_ascii_uppercase) || [2, 35, 52].iter().any(|dash| head[*dash] != b'-') {
        return None;
    }
    let (mut version, mut id, mut span, mut flags) = ([0; 1], [0; 16], [0; 8], [0; 1]);
    hex::decode_to_slice(&head[..2], &mut version).ok()?;
    hex::decode_to_slice(&head[3..35], &mut id).ok()?;
    hex::decode_to_slice(&head[36..52], &mut span).ok()?;
    hex::decode_to_slice(&head[53..], &mut flags).ok()?;
    let more = match version[0] {
        0 => rest.is_empty(),
        0xff => false,
        _ => rest.is_empty() || rest[0] == b'-',
    };
    (more && id != [0; 16] && span != [0; 8]).then_some((id, flags[0] & 1 == 1))
}

#[cfg(test)]
mod tests;

//! Header values that mirror text: as it is where a header can hold it, else wrapped in the base64 sentinel (2026-07-28, Streamable HTTP).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

use super::HeaderFault;

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// The text that a header value stands for.
///
/// # Errors
/// [`HeaderFault::Mismatch`] when it is marked as base64 and is not the canonical base64 of UTF-8.
pub fn decode(value: &str) -> Result<Cow<'_, str>, HeaderFault> {
    let Some(inner) = wrapped(value) else { return Ok(Cow::Borrowed(value)) };
    let bytes = STANDARD.decode(inner).map_err(|_| HeaderFault::mismatch("a header holds invalid base64"))?;
    let text = String::from_utf8(bytes).map_err(|_| HeaderFault::mismatch("a header's base64 is not UTF-8"))?;
    Ok(Cow::Owned(text))
}

/// The header value that stands for a text.
#[must_use]
#[expect(clippy::expect_used, reason = "both branches are visible ASCII and spaces, which every header may hold")]
pub fn encode(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && wrapped(text).is_none();
    let value = if plain { Cow::Borrowed(text) } else { Cow::Owned(format!("{OPEN}{}{CLOSE}", STANDARD.encode(text))) };
    HeaderValue::from_str(&value).expect("a safe header value")
}

fn wrapped(value: &str) -> Option<&str> {
    value.strip_prefix(OPEN)?.strip_suffix(CLOSE)
}

//! The sentinel of header values that mirror text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::mcp::headers::{decode, encode};

/// A text survives its header; a value that is marked stands for the one text whose canonical encoding it is, any other for itself.
pub fn header_value(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let value = encode(text);
    let value = value.to_str().expect("visible text");
    assert!(!value.starts_with(' ') && !value.ends_with(' '), "white space around a value is lost on the way");
    assert_eq!(decode(value).expect("our own"), text);
    let marked = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match (decode(text), marked) {
        (Ok(decoded), Some(inner)) => assert_eq!(STANDARD.encode(decoded.as_bytes()), inner),
        (Ok(decoded), None) => assert_eq!(decoded, text),
        (Err(_), Some(inner)) => assert!(!STANDARD.decode(inner).map(String::from_utf8).is_ok_and(|text| text.is_ok())),
        (Err(_), None) => panic!("{text:?} is not marked"),
    }
}

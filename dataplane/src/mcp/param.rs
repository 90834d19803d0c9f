//! Arguments that are mirrored into headers: `x-mcp-header` in a tool's `inputSchema` (2026-07-28, custom headers from tool parameters).

mod schema;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::headers::{HeaderFault, decode, encode, single};
use super::json::{Kind, Reader, SyntaxError, Value};
pub use schema::InvalidAnnotation;

/// An argument that is mirrored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    /// `mcp-param-…`.
    header: HeaderName,
    /// The property names that lead to it from the arguments.
    path: Vec<String>,
    kind: ParamKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParamKind {
    String,
    Integer,
    Boolean,
}

/// The largest integer that a double holds exactly, and the bound of mirrored ones.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

impl ParamHeader {
    /// The headers that a tool asks for. `input_schema` is JSON.
    ///
    /// # Errors
    /// [`InvalidAnnotation`]: the tool must then be left out of every list.
    pub fn of_schema(input_schema: &[u8]) -> Result<Vec<Self>, InvalidAnnotation> {
        schema::collect(input_schema)
    }

    /// The header's name.
    #[must_use]
    pub fn header(&self) -> &HeaderName {
        &self.header
    }
}

/// The headers that mirror `arguments` (JSON) towards an upstream. Absent and null arguments have none.
///
/// # Errors
/// [`HeaderFault::Mismatch`] when a mirrored argument appears twice, so that no header could be true.
pub fn compute(
    params: &[ParamHeader],
    arguments: Option<&[u8]>,
) -> Result<Vec<(HeaderName, HeaderValue)>, HeaderFault> {
    let mut headers = Vec::new();
    for param in params {
        if let Some(text) = param.value(arguments)? {
            headers.push((param.header.clone(), encode(&text)));
        }
    }
    Ok(headers)
}

/// Checks the headers of a call against its arguments; headers that mirror nothing we know are passed over, as the specification asks.
///
/// # Errors
/// [`HeaderFault::Mismatch`].
pub fn validate(headers: &HeaderMap, params: &[ParamHeader], arguments: Option<&[u8]>) -> Result<(), HeaderFault> {
    for param in params {
        let said = single(headers, &param.header)?.map(decode).transpose()?;
        let name = &param.header;
        match (said, param.value(arguments)?) {
            (None, None) => {}
            (Some(said), Some(meant)) if param.same(&said, &meant) => {}
            (Some(_), Some(_)) => {
                return Err(HeaderFault::mismatch(format!("the header {name} differs from the argument")));
            }
            (Some(_), None) => {
                return Err(HeaderFault::mismatch(format!("the header {name} mirrors an absent argument")));
            }
            (None, Some(_)) => return Err(HeaderFault::mismatch(format!("the header {name} is missing"))),
        }
    }
    Ok(())
}

impl ParamHeader {
    /// What the header must say.
    fn value(&self, arguments: Option<&[u8]>) -> Result<Option<String>, HeaderFault> {
        let Some(arguments) = arguments else { return Ok(None) };
        let invalid = |_: SyntaxError| HeaderFault::mismatch("the arguments are not JSON");
        let mut reader = Reader::strict(arguments).map_err(invalid)?;
        let found = find(&mut reader, arguments, &self.path).map_err(invalid)?;
        match found {
            Found::Nothing => Ok(None),
            Found::Twice => Err(HeaderFault::mismatch(format!("the argument of {} appears twice", self.header))),
            Found::Value(value) => Ok(self.text(arguments, value)),
        }
    }

    /// A value of another type than the schema's has no header: the upstream will refuse it for what it is.
    fn text(&self, arguments: &[u8], value: Value) -> Option<String> {
        match (self.kind, value.kind) {
            (ParamKind::String, Kind::String { .. }) => value.text().map(|text| text.decode(arguments).into_owned()),
            (ParamKind::Boolean, Kind::True) => Some("true".to_owned()),
            (ParamKind::Boolean, Kind::False) => Some("false".to_owned()),
            (ParamKind::Integer, Kind::Number { .. }) => {
                let digits = std::str::from_utf8(value.span.of(arguments)).ok()?;
                let number = integer(digits)?;
                // `1.0` and `1e2` are integers to a schema; a header says them in decimal.
                Some(if digits.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
                    digits.to_owned()
                } else {
                    number.to_string()
                })
            }
            _ => None,
        }
    }

    fn same(&self, said: &str, meant: &str) -> bool {
        match self.kind {
            ParamKind::Integer => integer(said).is_some_and(|said| integer(meant) == Some(said)),
            _ => said == meant,
        }
    }
}

/// A whole number within the bounds of mirrored integers.
fn integer(text: &str) -> Option<f64> {
    let starts = text.bytes().next().is_some_and(|byte| byte == b'-' || byte.is_ascii_digit());
    let number: f64 = text.parse().ok().filter(|_| starts)?;
    (number.fract() == 0.0 && number.abs() <= MAX_SAFE).then_some(number)
}

enum Found {
    Nothing,
    Twice,
    Value(Value),
}

fn find(reader: &mut Reader<'_>, body: &[u8], path: &[String]) -> Result<Found, SyntaxError> {
    let Some((first, rest)) = path.split_first() else {
        let value = reader.value()?;
        return Ok(if value.kind == Kind::Null { Found::Nothing } else { Found::Value(value) });
    };
    if reader.peek() != Some(b'{') {
        reader.value()?;
        return Ok(Found::Nothing);
    }
    let mut found = Found::Nothing;
    let mut seen = false;
    reader.object(|reader, key| {
        if !key.is(body, first) {
            return reader.value().map(drop);
        }
        let here = find(reader, body, rest)?;
        found = if seen { Found::Twice } else { here };
        seen = true;
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;

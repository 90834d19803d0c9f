//! Durations as the Gateway API writes them (GEP-2257): `15s`, `1h30m`, `250ms`.

use std::{borrow::Cow, fmt, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The grammar, which is also the schema's pattern: at most four parts of at most five digits.
const PATTERN: &str = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";

/// A duration as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(String);

/// A text that is no duration; trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write 1 to 4 parts such as 1h30m, 15s or 250ms")]
pub struct InvalidDuration(String);

impl Duration {
    /// The duration that `text` says, valid or not.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How long it is.
    ///
    /// # Errors
    /// The text does not follow the grammar.
    pub fn parse(&self) -> Result<time::Duration, InvalidDuration> {
        parts(&self.0).ok_or_else(|| InvalidDuration(crate::bounds::clip(&self.0, 40)))
    }
}

/// Sums the parts; `None` where the grammar is not met. Four parts of five digits cannot overflow.
fn parts(text: &str) -> Option<time::Duration> {
    let mut rest = text;
    let mut total = time::Duration::ZERO;
    for _ in 0..4 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 5 {
            return None;
        }
        let (number, after) = rest.split_at(digits);
        let (milliseconds, after) = unit(after)?;
        total += time::Duration::from_millis(number.parse::<u64>().ok()? * milliseconds);
        if after.is_empty() {
            return Some(total);
        }
        rest = after;
    }
    None
}

/// Milliseconds of the unit that `text` begins with, and what follows. `ms` is tried before `m`.
fn unit(text: &str) -> Option<(u64, &str)> {
    [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        .into_iter()
        .find_map(|(unit, milliseconds)| Some((milliseconds, text.strip_prefix(unit)?)))
}

/// Whole milliseconds, in the largest units first. More than 99,999 hours are written as that.
impl From<time::Duration> for Duration {
    fn from(duration: time::Duration) -> Self {
        let total = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(99_999 * 3_600_000);
        let numbers =
            [(total / 3_600_000, "h"), (total / 60_000 % 60, "m"), (total / 1000 % 60, "s"), (total % 1000, "ms")];
        let text: String = numbers
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, unit)| format!("{number}{unit}"))
            .collect();
        Self(if text.is_empty() { "0s".to_owned() } else { text })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 32, "pattern": PATTERN})
    }
}

#[cfg(test)]
mod tests;

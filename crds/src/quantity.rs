//! Sizes as Kubernetes quantities: `1Mi`, `500k`, `1.5Gi`, `1e6`, or a plain number.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::json;

/// Kubernetes' grammar without signs and without fractions of a byte (`m`, `u`, `n`).
const PATTERN: &str = r"^[0-9]{1,18}(\.[0-9]{1,9})?([KMGTPE]i|[kMGTPE]|[eE][0-9]{1,2})?$";

/// A number of bytes as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Quantity(String);

/// A text that is no number of bytes; trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a number of bytes: write a quantity such as 1Mi, 500k or 1048576")]
pub struct InvalidQuantity(String);

impl Quantity {
    /// The quantity that `text` says, valid or not.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many bytes it is; a fraction of a byte counts as a whole one, as in Kubernetes.
    ///
    /// # Errors
    /// The text does not follow the grammar, or the number does not fit 64 bits.
    pub fn bytes(&self) -> Result<u64, InvalidQuantity> {
        bytes(&self.0).ok_or_else(|| InvalidQuantity(crate::bounds::clip(&self.0, 40)))
    }
}

fn bytes(text: &str) -> Option<u64> {
    let (whole, after) = digits(text);
    let (fraction, suffix) = match after.strip_prefix('.') {
        Some(after) => digits(after),
        None => ("", after),
    };
    if !(1..=18).contains(&whole.len()) || fraction.len() > 9 || (fraction.is_empty() && after.starts_with('.')) {
        return None;
    }
    // At most 27 digits times 2^60: fits 128 bits unless the suffix is an absurd exponent.
    let number: u128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = number.checked_mul(multiplier(suffix)?)?;
    u64::try_from(scaled.div_ceil(10_u128.pow(u32::try_from(fraction.len()).ok()?))).ok()
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

fn multiplier(suffix: &str) -> Option<u128> {
    const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];
    let power = |unit: char| UNITS.iter().position(|known| *known == unit).and_then(|at| u32::try_from(at + 1).ok());
    let mut characters = suffix.chars();
    match (characters.next(), characters.as_str()) {
        (None, _) => Some(1),
        (Some('k'), "") => Some(1000),
        // Kubernetes writes 1000 with a small k only.
        (Some(unit), "") if unit != 'K' => Some(1000_u128.pow(power(unit)?)),
        (Some(unit), "i") => Some(1024_u128.pow(power(unit)?)),
        (Some('e' | 'E'), exponent) if exponent.len() <= 2 && digits(exponent).1.is_empty() && !exponent.is_empty() => {
            10_u128.checked_pow(exponent.parse().ok()?)
        }
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as 1Mi, or a number of bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                Ok(Quantity::new(text))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
                Ok(Quantity::new(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
                Ok(Quantity::new(number.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let within = "type(self) == int ? self >= 1024 && self <= 1073741824 : (isQuantity(self) && \
                      quantity(self).compareTo(quantity('1Ki')) >= 0 && quantity(self).compareTo(quantity('1Gi')) <= 0)";
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "maxLength": 32,
            "pattern": PATTERN,
            "x-kubernetes-validations": json!([{"rule": within, "message": "must be a size from 1Ki to 1Gi"}]),
        })
    }
}

#[cfg(test)]
mod tests;

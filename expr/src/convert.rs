//! JSON as values of the interpreter, paid for as it is built: what an expression may look at is bounded, whatever a caller sends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use serde_json::Value;

/// What one evaluation may still spend.
pub(crate) struct Fuel(AtomicU32);

impl Fuel {
    /// JSON values that one evaluation may build. A comprehension runs over built values only, so this bounds its rounds as well.
    pub(crate) const VALUES: u32 = 512;
    const PER_VALUE: u32 = 64;
    /// 64 bytes of text cost one: 2 MiB in all.
    const BYTES_PER_UNIT: usize = 64;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(Self::VALUES * Self::PER_VALUE))
    }

    /// Whether something was refused for want of fuel.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Pays for one value with that much text; once it does not suffice, nothing is left.
    fn pay(&self, bytes: usize) -> Option<()> {
        let price = Self::PER_VALUE.saturating_add(u32::try_from(bytes / Self::BYTES_PER_UNIT).unwrap_or(u32::MAX));
        let left = self.0.load(Ordering::Relaxed).saturating_sub(price);
        self.0.store(left, Ordering::Relaxed);
        (left > 0).then_some(())
    }
}

/// The value for the interpreter; text stays borrowed. `None`: the fuel does not suffice.
pub(crate) fn value<'f>(json: &'f Value, fuel: &Fuel) -> Option<Box<dyn Val + 'f>> {
    fuel.pay(json.as_str().map_or(0, str::len))?;
    Some(match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => {
            if let Some(value) = number.as_i64() {
                Box::new(CelInt::from(value))
            } else if let Some(value) = number.as_u64() {
                Box::new(CelUInt::from(value))
            } else {
                Box::new(CelDouble::from(number.as_f64()?))
            }
        }
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(elements) => {
            let elements = elements.iter().map(|element| value(element, fuel)).collect::<Option<Vec<_>>>()?;
            Box::new(CelList::from(elements))
        }
        Value::Object(members) => {
            let mut map: HashMap<CelMapKey<'f>, Box<dyn Val + 'f>> = HashMap::with_capacity(members.len().min(64));
            for (key, member) in members {
                map.insert(CelMapKey::from(key.as_str()), value(member, fuel)?);
            }
            Box::new(CelMap::from(map))
        }
    })
}

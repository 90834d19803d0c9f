//! The units, and how to get from one to another.

/// A unit: `base = value * factor + offset`, in the base unit of its quantity.
#[derive(Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) symbol: &'static str,
    pub(crate) name: &'static str,
    pub(crate) quantity: &'static str,
    factor: f64,
    offset: f64,
}

const fn unit(quantity: &'static str, symbol: &'static str, name: &'static str, factor: f64) -> Unit {
    Unit { symbol, name, quantity, factor, offset: 0.0 }
}

const fn degree(symbol: &'static str, name: &'static str, factor: f64, offset: f64) -> Unit {
    Unit { symbol, name, quantity: "temperature", factor, offset }
}

/// Every unit.
pub(crate) const ALL: &[Unit] = &[
    unit("length", "m", "metre", 1.0),
    unit("length", "km", "kilometre", 1000.0),
    unit("length", "cm", "centimetre", 0.01),
    unit("length", "mm", "millimetre", 0.001),
    unit("length", "in", "inch", 0.0254),
    unit("length", "ft", "foot", 0.3048),
    unit("length", "yd", "yard", 0.9144),
    unit("length", "mi", "mile", 1609.344),
    unit("length", "nmi", "nautical mile", 1852.0),
    unit("mass", "kg", "kilogram", 1.0),
    unit("mass", "g", "gram", 0.001),
    unit("mass", "t", "tonne", 1000.0),
    unit("mass", "oz", "ounce", 0.028_349_523_125),
    unit("mass", "lb", "pound", 0.453_592_37),
    degree("K", "kelvin", 1.0, 0.0),
    degree("°C", "degree Celsius", 1.0, 273.15),
    degree("°F", "degree Fahrenheit", 5.0 / 9.0, 459.67 * 5.0 / 9.0),
    unit("volume", "l", "litre", 1.0),
    unit("volume", "ml", "millilitre", 0.001),
    unit("volume", "cup", "US cup", 0.236_588_236_5),
    unit("volume", "gal", "US gallon", 3.785_411_784),
    unit("speed", "m/s", "metre per second", 1.0),
    unit("speed", "km/h", "kilometre per hour", 1.0 / 3.6),
    unit("speed", "mph", "mile per hour", 0.447_04),
    unit("speed", "kn", "knot", 1852.0 / 3600.0),
    unit("time", "s", "second", 1.0),
    unit("time", "min", "minute", 60.0),
    unit("time", "h", "hour", 3600.0),
    unit("time", "d", "day", 86_400.0),
    unit("data", "B", "byte", 1.0),
    unit("data", "kB", "kilobyte", 1e3),
    unit("data", "MB", "megabyte", 1e6),
    unit("data", "GB", "gigabyte", 1e9),
    unit("data", "KiB", "kibibyte", 1024.0),
    unit("data", "MiB", "mebibyte", 1_048_576.0),
    unit("data", "GiB", "gibibyte", 1_073_741_824.0),
];

/// The unit of this symbol or name; degrees may be written without their sign.
pub(crate) fn find(text: &str) -> Result<&'static Unit, String> {
    let exact = ALL.iter().find(|unit| unit.symbol == text || unit.symbol.trim_start_matches('°') == text);
    let named = || ALL.iter().find(|unit| unit.name.eq_ignore_ascii_case(text.trim_end_matches('s')));
    exact.or_else(named).ok_or_else(|| format!("no unit {text:?}; list_units has them all"))
}

/// A value of one unit in another of the same quantity.
pub(crate) fn convert(value: f64, from: &Unit, to: &Unit) -> Result<f64, String> {
    if from.quantity != to.quantity {
        return Err(format!("{} is a {}, {} is a {}", from.symbol, from.quantity, to.symbol, to.quantity));
    }
    Ok((value * from.factor + from.offset - to.offset) / to.factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(value: f64, from: &str, to: &str) -> f64 {
        convert(value, find(from).unwrap(), find(to).unwrap()).unwrap()
    }

    #[test]
    fn known_conversions_are_right() {
        for (value, from, to, expected) in [
            (1.0, "mi", "km", 1.609_344),
            (100.0, "°C", "F", 212.0),
            (-40.0, "°F", "°C", -40.0),
            (36.0, "km/h", "m/s", 10.0),
            (2.0, "GiB", "MiB", 2048.0),
            (1.0, "metres", "cm", 100.0),
        ] {
            assert!((converted(value, from, to) - expected).abs() < 1e-9, "{value} {from} in {to}");
        }
    }

    #[test]
    fn quantities_do_not_mix() {
        assert!(convert(1.0, find("kg").unwrap(), find("m").unwrap()).is_err());
        assert!(find("parsec").is_err());
    }
}

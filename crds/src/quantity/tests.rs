use super::Quantity;

fn bytes(text: &str) -> Option<u64> {
    Quantity::new(text).bytes().ok()
}

#[test]
fn every_suffix_is_read() {
    assert_eq!(bytes("0"), Some(0));
    assert_eq!(bytes("1048576"), Some(1_048_576));
    assert_eq!(bytes("500k"), Some(500_000));
    assert_eq!(bytes("2M"), Some(2_000_000));
    assert_eq!(bytes("1Ki"), Some(1024));
    assert_eq!(bytes("8Mi"), Some(8 << 20));
    assert_eq!(bytes("3Ti"), Some(3 << 40));
    assert_eq!(bytes("1E"), Some(1_000_000_000_000_000_000));
    assert_eq!(bytes("1e6"), Some(1_000_000));
    assert_eq!(bytes("1E3"), Some(1000));
}

#[test]
fn fractions_are_rounded_up_to_whole_bytes() {
    assert_eq!(bytes("1.5Ki"), Some(1536));
    assert_eq!(bytes("0.0001k"), Some(1));
    assert_eq!(bytes("0.1"), Some(1));
}

#[test]
fn what_is_no_number_of_bytes_is_refused() {
    for text in [
        "", "Mi", "-1", "+1", "1K", "1ki", "1m", "1u", "1 Mi", "1.Mi", ".5Mi", "1e", "1e100", "1E-3", "16Ei", "1MiB",
        "1x",
    ] {
        assert_eq!(bytes(text), None, "{text:?}");
    }
}

#[test]
fn numbers_and_texts_are_both_read() {
    let read = |value| serde_json::from_value::<Quantity>(value).unwrap().bytes();
    assert_eq!(read(serde_json::json!(2048)), Ok(2048));
    assert_eq!(read(serde_json::json!("2Ki")), Ok(2048));
    assert!(serde_json::from_value::<Quantity>(serde_json::json!(1.5)).is_err());
}

use bytes::Bytes;

use super::*;

#[test]
fn secret_material_is_never_printed() {
    let secret = Secret { data: [("token".to_owned(), Bytes::from_static(b"hunter2"))].into() };
    let resource = Resource { body: Bytes::from_static(b"hunter2"), ..Resource::default() };
    let message = FromOperator::from(Step { resources: vec![resource], ..Step::default() });
    let printed = format!("{secret:?} {message:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("token"), "{printed}");
}

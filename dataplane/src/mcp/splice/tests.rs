use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::mcp::json::Reader;

/// The members of the object that `body` is, and its span.
fn members(body: &[u8]) -> (Span, Vec<Member>) {
    let mut found = Vec::new();
    let mut reader = Reader::strict(body).unwrap();
    let object = reader
        .object(|reader, key| {
            found.push(Member::new(key, reader.value()?.span));
            Ok(())
        })
        .unwrap();
    (object, found)
}

#[test]
fn without_edits_the_bytes_are_shared() {
    let body = Bytes::from_static(b"{ }");
    assert_eq!(Splice::new(&body).finish().as_ptr(), body.as_ptr());
}

#[test]
fn edits_touch_nothing_beside_them() {
    let body = Bytes::from_static(br#"{ "a" : 1 , "b":2, "c" :3 }"#);
    let (object, found) = members(&body);
    let mut splice = Splice::new(&body);
    splice.replace(found[2].value, &b"30"[..]).remove_member(found[0]).insert_member_first(object, &b"\"z\":0"[..]);
    assert_eq!(splice.finish(), &br#"{"z":0, "b":2, "c" :30 }"#[..]);
}

#[test]
fn an_edit_within_a_removed_member_is_moot() {
    let body = Bytes::from_static(br#"{"a":{"b":1,"c":2}}"#);
    let (object, found) = members(&body);
    let inner = Span::new(10, 11);
    let mut splice = Splice::new(&body);
    splice.replace(inner, &b"9"[..]).remove_member(found[0]).insert_member_first(object, &b"\"z\":0"[..]);
    assert_eq!(splice.finish(), &br#"{"z":0}"#[..]);
}

proptest! {
    #[test]
    fn removing_and_inserting_members_leaves_an_object_with_the_rest(
        count in 0_usize..7, removed in any::<u8>(), inserted in 0_usize..3, space in "[ \n]{0,2}", removals_first: bool,
    ) {
        let text: Vec<String> = (0..count).map(|n| format!("{space}\"k{n}\"{space}:{space}{n}{space}")).collect();
        let body = Bytes::from(format!("{{{}{space}}}", text.join(",")));
        let (object, found) = members(&body);
        let gone = |n: usize| removed & (1 << n) != 0;
        let new: Vec<String> = (0..inserted).map(|n| format!("\"n{n}\":{n}")).collect();
        let mut splice = Splice::new(&body);
        for stage in [removals_first, !removals_first] {
            if stage {
                for (n, member) in found.iter().enumerate().filter(|(n, _)| gone(*n)) {
                    assert!(n < count);
                    splice.remove_member(*member);
                }
            } else {
                for member in &new {
                    splice.insert_member_first(object, member.as_bytes());
                }
            }
        }
        let edited = splice.finish();
        let mut expected = Map::new();
        expected.extend((0..inserted).map(|n| (format!("n{n}"), Value::from(n))));
        expected.extend((0..count).filter(|n| !gone(*n)).map(|n| (format!("k{n}"), Value::from(n))));
        let parsed: Value = serde_json::from_slice(&edited).map_err(|error| TestCaseError::fail(format!("{error}: {edited:?}")))?;
        prop_assert_eq!(parsed, Value::Object(expected));
    }
}

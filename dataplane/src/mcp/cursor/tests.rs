use super::*;

const ALICE: Binding<'_> = Binding { route: "Route/x/a", tenant: "x", principal: b"alice" };
const PLACE: Cursor = Cursor { offset: u32::MAX, catalogue: 0x0123_4567_89ab_cdef };

#[test]
fn a_cursor_reads_back_for_whom_it_was_made() {
    let ring = Ring::generate();
    let text = PLACE.seal(&ring, &ALICE);
    assert_eq!(Cursor::open(&ring, &ALICE, &text), Ok(PLACE));
    assert_eq!(Cursor::open(&ring, &Binding { principal: b"bob", ..ALICE }, &text), Err(Unsealed::Forged));
    assert_eq!(Cursor::open(&ring, &Binding { route: "Route/x/b", ..ALICE }, &text), Err(Unsealed::Forged));
}

#[test]
fn cursors_that_we_did_not_make_are_refused() {
    let ring = Ring::generate();
    for text in ["", "0", "100", "eyJvZmZzZXQiOjB9"] {
        assert!(Cursor::open(&ring, &ALICE, text).is_err(), "{text}");
    }
    for plain in [&[][..], &[0; 11], &[0; 13]] {
        let text = seal::seal(&ring, Context::Cursor, &ALICE, plain);
        assert_eq!(Cursor::open(&ring, &ALICE, &text), Err(Unsealed::Malformed));
    }
}

use super::*;

fn frame(payload: &[u8]) -> Frame<'_> {
    Frame { content: Content::LastGood, fleet: "default", payload }
}

#[test]
fn what_was_framed_is_read_again() {
    for content in Content::ALL {
        for fleet in ["", "default", &"f".repeat(255)] {
            for payload in [&b""[..], b"x", &[0; 5000]] {
                let frame = Frame { content, fleet, payload };
                assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
            }
        }
    }
}

#[test]
fn a_frame_is_written_the_same_by_every_release_of_its_version() {
    let bytes = frame(b"payload").encode();
    assert_eq!(&bytes[..12], b"PORTOLAN\0\x01\x01\x07");
    assert_eq!(&bytes[12..27], b"default\0\0\0\0\0\0\0\x07");
    assert_eq!(&bytes[59..], b"payload");
}

#[test]
fn a_file_cut_off_anywhere_is_torn() {
    let whole = frame(b"some payload").encode();
    for length in 0..whole.len() {
        assert_eq!(Frame::decode(&whole[..length]), Err(FrameError::Torn), "{length} bytes");
    }
}

#[test]
fn no_bit_can_change_unnoticed() {
    let whole = frame(b"some payload").encode();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            assert!(Frame::decode(&changed).is_err(), "byte {at}, bit {bit}");
        }
    }
    let mut longer = whole;
    longer.push(0);
    assert_eq!(Frame::decode(&longer), Err(FrameError::Damaged));
}

#[test]
fn a_file_of_somebody_else_or_of_another_version_says_so() {
    assert_eq!(Frame::decode(b"{\"keys\":[]}"), Err(FrameError::Foreign));
    assert_eq!(Frame::decode(b"PORTUGAL"), Err(FrameError::Foreign));
    let mut later = frame(b"payload").encode();
    later[9] = 2;
    assert_eq!(Frame::decode(&later), Err(FrameError::Version(2)));
}

#[test]
fn a_content_that_this_release_does_not_know_is_refused_although_it_is_whole() {
    let mut head = frame(b"").encode();
    head.truncate(head.len() - CHECKSUM);
    head[10] = 9;
    let whole = [&head[..], &checksum(&head, b"")].concat();
    assert_eq!(Frame::decode(&whole), Err(FrameError::Content));
}

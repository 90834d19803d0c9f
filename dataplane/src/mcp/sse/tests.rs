use proptest::prelude::*;

use super::*;

fn read(chunks: impl IntoIterator<Item = Bytes>, max: usize) -> Result<(Vec<Event>, bool), TooLarge> {
    let mut parser = Parser::new(max);
    let mut events = Vec::new();
    for chunk in chunks {
        parser.push(chunk);
        while let Some(event) = parser.event()? {
            events.push(event);
        }
    }
    Ok((events, parser.is_within_event()))
}

fn whole(stream: &[u8]) -> Vec<Event> {
    read([Bytes::copy_from_slice(stream)], MAX_EVENT).unwrap().0
}

fn data(stream: &[u8]) -> Vec<Bytes> {
    whole(stream).into_iter().map(|event| event.data).collect()
}

#[test]
fn the_fields_of_an_event_are_read() {
    let [event] = whole(b"id: 7\nevent:message\nretry: 100\ndata:  a\nunknown: x\ndata\n\n").try_into().unwrap();
    let text = |value: &Option<Bytes>| value.clone().unwrap();
    assert_eq!((text(&event.id), text(&event.event), event.retry), ("7".into(), "message".into(), Some(100)));
    assert_eq!(event.data, " a\n");
}

#[test]
fn lines_end_with_cr_lf_or_both_and_with_nothing_else() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!("data: a{end}data: b{end}{end}data: c{end}{end}");
        assert_eq!(data(stream.as_bytes()), ["a\nb", "c"], "{end:?}");
    }
    assert_eq!(data(b"data: a\r\n\rdata: b\n\r\n"), ["a", "b"]);
    let separators = "data: a\u{2028}b\u{85}c\u{b}d\n\n";
    assert_eq!(data(separators.as_bytes()), ["a\u{2028}b\u{85}c\u{b}d"]);
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    assert_eq!(data(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"), ["a"]);
}

#[test]
fn comments_are_no_events_and_an_event_without_data_is_told() {
    assert_eq!(data(b": hello\n\n:\n\n"), [""; 0]);
    let [priming] = whole(b"id: 1\ndata:\n\n").try_into().unwrap();
    assert_eq!((priming.id, priming.data), (Some("1".into()), "".into()));
    assert_eq!(whole(b"id: a\0b\nretry: soon\n\n"), []);
}

#[test]
fn an_event_that_the_stream_does_not_finish_is_not_an_event() {
    for cut in ["data: a", "data: a\n", "data", "id: 1\n"] {
        assert_eq!(read([Bytes::from(cut)], MAX_EVENT), Ok((Vec::new(), true)), "{cut:?}");
    }
    assert!(!read([Bytes::from("data: a\n\n")], MAX_EVENT).unwrap().1);
}

#[test]
fn an_event_is_bounded_however_it_grows() {
    let line = |length: usize| Bytes::from(format!("data: {}\n", "x".repeat(length)));
    assert!(read([line(94), Bytes::from("\n")], 100).is_ok());
    assert!(read([line(95)], 100).is_err(), "by one line");
    assert!(read((0..20).map(|_| line(10)), 100).is_err(), "by many lines");
    assert!(read((0..20).map(|_| Bytes::from("xxxxxxxxxx")), 100).is_err(), "by a line that does not end");
    assert!(read((0..60).map(|n| Bytes::from(format!("{n}: x\n"))), 100).is_err(), "by fields that nobody knows");
    let endless = (0..1000).flat_map(|_| [Bytes::from(": ping\n"), Bytes::from("data: a\n\n")]);
    assert_eq!(read(endless, 100).unwrap().0.len(), 1000, "a stream is not bounded");
    assert!(read((0..1000).map(|_| Bytes::from(": ping\n")), 100).is_ok(), "nor are its comments");
}

#[test]
fn one_line_of_data_is_not_copied() {
    let chunk = Bytes::from_static(b"data: abc\n\ndata: def\n\n");
    let range = chunk.as_ptr_range();
    let (events, _) = read([chunk.clone()], MAX_EVENT).unwrap();
    assert!(events.iter().all(|event| range.contains(&event.data.as_ptr())));
}

#[test]
fn what_is_written_cannot_leave_its_event() {
    let hostile = b"{\"a\":\r\n\"id: 1\",\r\"b\":\n\n\"data: x\"}\revent: y";
    let written = encode(hostile);
    assert!(!written.contains(&b'\r'));
    let [event] = whole(&written).try_into().unwrap();
    assert_eq!(event.event, Some("message".into()));
    assert_eq!((event.id, event.retry), (None, None));
    assert_eq!(event.data, "{\"a\":\n\"id: 1\",\n\"b\":\n\n\"data: x\"}\nevent: y");
    assert_eq!(encode(b"{}"), "event: message\ndata: {}\n\n");
    assert_eq!(whole(&KEEP_ALIVE), []);
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(
        stream in "(\u{feff})?((data|id|event|retry|x|)(: ?[a-z0-9é]{0,6})?(\r|\n|\r\n){1,2}){0,24}(data: end)?",
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream = stream.into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| Bytes::copy_from_slice(&stream[pair[0]..pair[1]]));
        let expected = read([Bytes::copy_from_slice(&stream)], MAX_EVENT).unwrap();
        prop_assert_eq!(read(chunks, MAX_EVENT).unwrap(), expected.clone());
        let bytes = stream.iter().map(|byte| Bytes::copy_from_slice(&[*byte]));
        prop_assert_eq!(read(bytes, MAX_EVENT).unwrap(), expected);
    }

    #[test]
    fn data_that_is_written_reads_back(data in any::<String>()) {
        let events = whole(&encode(data.as_bytes()));
        let expected = data.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(events.len(), 1);
        prop_assert_eq!(&events[0].data[..], expected.as_bytes());
    }
}

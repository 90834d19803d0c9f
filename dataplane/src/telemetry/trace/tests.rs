use super::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn a_trace_goes_on_with_a_span_of_ours() {
    let trace = Trace::of(&headers(&[("traceparent", PARENT), ("tracestate", "vendor=1")]));
    let child = trace.child();
    assert!(child.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert!(child.ends_with("-01"));
    assert_ne!(&*child, PARENT);
    assert_eq!(trace.state().unwrap(), "vendor=1");
    assert!(Trace::new(Some(&child), None).child().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
}

#[test]
fn what_is_no_trace_begins_one() {
    let bad = [
        "",
        "00",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
    ];
    for text in bad {
        let trace = Trace::of(&headers(&[("traceparent", text), ("tracestate", "vendor=1")]));
        assert!(!trace.child().contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{text}");
        assert!(trace.child().ends_with("-00"), "{text}");
        assert!(trace.state().is_none(), "{text}");
    }
}

#[test]
fn a_later_version_may_say_more() {
    let trace = Trace::new(Some("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more"), None);
    assert!(trace.child().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
}

#[test]
fn two_parents_are_none() {
    let trace = Trace::of(&headers(&[("traceparent", PARENT), ("traceparent", PARENT)]));
    assert!(!trace.child().contains("4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[test]
fn a_long_state_stays_behind() {
    let trace = Trace::of(&headers(&[("traceparent", PARENT), ("tracestate", &"x".repeat(513))]));
    assert!(trace.state().is_none());
}

#[test]
fn what_a_message_names_counts_where_its_headers_name_nothing() {
    let mut trace = Trace::of(&headers(&[("tracestate", "lost=1")]));
    trace.join(PARENT, Some("vendor=1"));
    assert!(trace.child().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && trace.child().ends_with("-01"));
    assert_eq!(trace.state().unwrap(), "vendor=1");
    let mut trace = Trace::of(&headers(&[("traceparent", PARENT)]));
    trace.join("00-11111111111111111111111111111111-00f067aa0ba902b7-01", Some("vendor=1"));
    assert!(trace.child().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert!(trace.state().is_none());
    let mut trace = Trace::new(None, None);
    trace.join("nonsense", Some("line\nbreak"));
    assert!(trace.child().ends_with("-00") && trace.state().is_none());
}

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_source_has_its_own_bound() {
    let admission = Admission::new(10, 1);
    let held = admission.admit(ip("192.0.2.1")).unwrap();
    assert_eq!(admission.admit(ip("192.0.2.1")).unwrap_err(), Full::Source);
    let _other = admission.admit(ip("192.0.2.2")).unwrap();
    drop(held);
    let _again = admission.admit(ip("192.0.2.1")).unwrap();
}

#[test]
fn the_process_has_a_bound() {
    let admission = Admission::new(1, 10);
    let _held = admission.admit(ip("192.0.2.1")).unwrap();
    assert_eq!(admission.admit(ip("192.0.2.2")).unwrap_err(), Full::Process);
}

#[test]
fn addresses_of_one_ipv6_network_are_one_source() {
    let admission = Admission::new(10, 1);
    let _held = admission.admit(ip("2001:db8::1")).unwrap();
    assert_eq!(admission.admit(ip("2001:db8::ffff:2")).unwrap_err(), Full::Source);
    let _elsewhere = admission.admit(ip("2001:db8:0:1::1")).unwrap();
    let _mapped = admission.admit(ip("::ffff:192.0.2.1")).unwrap();
    assert_eq!(admission.admit(ip("192.0.2.1")).unwrap_err(), Full::Source);
}

#[test]
fn nothing_is_kept_of_sources_that_left() {
    let admission = Admission::new(10, 10);
    drop(admission.admit(ip("192.0.2.1")).unwrap());
    assert!(admission.0.open.lock().sources.is_empty());
}

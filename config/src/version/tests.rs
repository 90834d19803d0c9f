use super::*;

#[test]
fn a_version_is_the_beginning_of_the_sha_256() {
    // FIPS 180-2, appendix B.1: the digest of "abc".
    assert_eq!(Version::of(b"abc").to_string(), "ba7816bf8f01cfea414140de5dae2223");
}

#[test]
fn a_version_reads_back_as_it_was_written() {
    let version = Version::of(b"body");
    assert_eq!(version.to_string().parse(), Ok(version));
}

#[test]
fn a_text_that_is_no_version_is_refused() {
    for text in [
        "",
        "abc",
        "zz7816bf8f01cfea414140de5dae2223",
        "BA7816BF8F01CFEA414140DE5DAE2223",
        "ba7816bf8f01cfea414140de5dae222300",
    ] {
        assert_eq!(text.parse::<Version>(), Err(VersionError), "{text}");
    }
}

use super::*;

#[test]
fn a_name_reads_back_as_it_was_written() {
    for name in [
        Name::new(Kind::Server, "team-a", "weather"),
        Name::chunk("team-a", "weather", 12),
        Name::assignment("gateway-0"),
        Name::fleet("default"),
    ] {
        let parsed: Name = name.to_string().parse().unwrap();
        assert_eq!((parsed.kind(), &parsed), (name.kind(), &name));
    }
}

#[test]
fn the_parts_of_a_name_are_found() {
    let chunk = Name::chunk("team-a", "weather", 3);
    assert_eq!((chunk.namespace(), chunk.name(), chunk.as_str()), ("team-a", "weather", "Chunk/team-a/weather/3"));
    let fleet = Name::fleet("default");
    assert_eq!((fleet.namespace(), fleet.name()), ("", "default"));
    assert_eq!(chunk.sibling(Kind::Catalogue).as_str(), "Catalogue/team-a/weather");
}

#[test]
fn a_text_that_is_no_name_is_refused() {
    for text in [
        "",
        "Server",
        "Server/a",
        "Server/a/b/c",
        "Server//b",
        "Fleet/a/b",
        "Chunk/a/b",
        "Chunk/a/b/01",
        "Chunk/a/b/x",
        "Route/a/b c",
    ] {
        assert_eq!(text.parse::<Name>().unwrap_err(), NameError::Malformed, "{text}");
    }
    assert!(format!("Server/a/{}", "b".repeat(NAME_BYTES)).parse::<Name>().is_err());
}

#[test]
fn a_newer_release_s_kind_is_told_from_nonsense() {
    assert_eq!("Widget/a/b".parse::<Name>().unwrap_err(), NameError::UnknownKind);
}

use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Result<Definition, InvalidDefinition> {
    Definition::parse(&Bytes::copy_from_slice(text.as_bytes()))
}

const PLAIN: &str = r#"{"name":"x","inputSchema":{"type":"object"}}"#;

#[test]
fn the_parts_of_a_definition_are_found() {
    let text = r#"{ "annotations":{"readOnlyHint":true,"openWorldHint":false,"title":"t"}, "inputSchema" : {"type":"object","big":12345678901234567890123},
        "name":"se\u0061rch","title":"Search","description":"d","icons":[],"_meta":{"name":1}}"#;
    let definition = parse(text).unwrap();
    assert_eq!(definition.name(), "search");
    assert_eq!(definition.input_schema(), br#"{"type":"object","big":12345678901234567890123}"#);
    let hints = Hints { read_only: Some(true), open_world: Some(false), ..Hints::default() };
    assert_eq!(definition.claimed_hints(), hints);
    assert_eq!(definition.bytes(), text.as_bytes());
}

#[test]
fn what_agents_see_differs_by_name_and_description_only() {
    let text = r#"{"description":"old","name":"x","inputSchema":{"type":"object","n":1.50}}"#;
    let definition = parse(text).unwrap();
    assert_eq!(definition.render("x", None, Era::Legacy), text);
    assert_eq!(definition.render("gh_x", None, Era::Modern), text.replace("\"x\"", "\"gh_x\""));
    assert_eq!(definition.render("x", Some("n\"w"), Era::Modern), text.replace("old", "n\\\"w"));
    let described: Value =
        serde_json::from_slice(&parse(PLAIN).unwrap().render("y", Some("new"), Era::Legacy)).unwrap();
    assert_eq!(described, json!({"name": "y", "description": "new", "inputSchema": {"type": "object"}}));
}

#[test]
fn legacy_agents_see_no_output_schema_that_is_not_an_object() {
    let with = |schema: &str| {
        parse(&format!(r#"{{"name":"x","inputSchema":{{"type":"object"}},"outputSchema":{schema}}}"#)).unwrap()
    };
    let array = with(r#"{"type":"array"}"#);
    assert!(array.differs_by_era());
    assert_eq!(array.render("x", None, Era::Legacy), PLAIN);
    assert_eq!(array.render("x", None, Era::Modern), array.bytes());
    let object = with(r#"{"type":"object"}"#);
    assert!(!object.differs_by_era());
    assert_eq!(object.render("x", None, Era::Legacy), object.bytes());
}

#[test]
fn a_definition_that_some_client_would_refuse_is_left_out() {
    let long = format!(r#"{{"name":"{}","inputSchema":{{"type":"object"}}}}"#, "n".repeat(257));
    for text in [
        "",
        "[]",
        "{",
        r#"{"name":"x"}"#,
        r#"{"inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","inputSchema":{}}"#,
        r#"{"name":"x","inputSchema":true}"#,
        r#"{"name":"x","inputSchema":{"type":["object"]}}"#,
        r#"{"name":"x","inputSchema":{"type":"string"}}"#,
        r#"{"name":"","inputSchema":{"type":"object"}}"#,
        r#"{"name":1,"inputSchema":{"type":"object"}}"#,
        &long,
        r#"{"name":"a\u0000","inputSchema":{"type":"object"}}"#,
        r#"{"name":"a\n","inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","name":"y","inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","inputSchema":{"type":"object"},"inputSch\u0065ma":{"type":"object"}}"#,
        r#"{"name":"x","description":null,"inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","title":1,"inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","outputSchema":1,"inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","annotations":[],"inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","annotations":{"readOnlyHint":"yes"},"inputSchema":{"type":"object"}}"#,
        r#"{"name":"x","annotations":{"readOnlyHint":true,"readOnlyHint":false},"inputSchema":{"type":"object"}}"#,
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

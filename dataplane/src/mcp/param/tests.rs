use http::HeaderMap;

use super::*;

const SCHEMA: &str = r#"{"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "options":{"type":"object","properties":{"limit":{"type":"integer","x-mcp-header":"Row-Limit"},"dry":{"type":"boolean","x-mcp-header":"dry_run"}}},
    "x-mcp-header":{"type":"string","default":{"x-mcp-header":1}}}}"#;

fn params() -> Vec<ParamHeader> {
    ParamHeader::of_schema(SCHEMA.as_bytes()).unwrap()
}

fn made(arguments: &str) -> Vec<String> {
    let headers = compute(&params(), Some(arguments.as_bytes())).unwrap();
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

fn checked(pairs: &[(&'static str, &'static str)], arguments: &str) -> Result<(), u16> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    validate(&headers, &params(), Some(arguments.as_bytes())).map_err(|fault| fault.status().as_u16())
}

#[test]
fn annotated_arguments_become_headers() {
    let arguments = r#"{"options":{"dry":false,"limit":-9007199254740991},"region":"eu \u00e9","other":1}"#;
    assert_eq!(
        made(arguments),
        ["mcp-param-dry_run: false", "mcp-param-region: =?base64?ZXUgw6k=?=", "mcp-param-row-limit: -9007199254740991"]
    );
    assert_eq!(made(r#"{"region":""}"#), ["mcp-param-region: "]);
    assert_eq!(made(r#"{"options":{"limit":1.0}}"#), ["mcp-param-row-limit: 1"]);
}

#[test]
fn arguments_that_are_absent_null_or_of_another_type_have_no_header() {
    for arguments in [
        "{}",
        r#"{"region":null,"options":null}"#,
        r#"{"region":1,"options":{"limit":"1","dry":0}}"#,
        r#"{"options":{"limit":1.5}}"#,
        r#"{"options":{"limit":9007199254740992}}"#,
        "[]",
        "null",
    ] {
        assert_eq!(made(arguments), [""; 0], "{arguments}");
    }
    assert_eq!(compute(&params(), None).unwrap(), []);
}

#[test]
fn an_argument_that_is_there_twice_has_no_true_header() {
    for arguments in [
        r#"{"region":"a","region":"b"}"#,
        r#"{"region":"a","regi\u006fn":"a"}"#,
        r#"{"options":{"limit":1},"options":{}}"#,
    ] {
        assert!(compute(&params(), Some(arguments.as_bytes())).is_err(), "{arguments}");
    }
}

#[test]
fn headers_must_agree_with_the_arguments() {
    let arguments = r#"{"region":"eu","options":{"limit":42}}"#;
    let (region, limit) = (("mcp-param-region", "eu"), ("mcp-param-row-limit", "42"));
    for good in [
        vec![region, limit],
        vec![region, ("mcp-param-row-limit", "42.0")],
        vec![("mcp-param-region", "=?base64?ZXU=?="), limit],
        vec![region, limit, ("mcp-param-unknown", "x")],
    ] {
        assert_eq!(checked(&good, arguments), Ok(()), "{good:?}");
    }
    for bad in [
        vec![region],
        vec![limit],
        vec![("mcp-param-region", "EU"), limit],
        vec![region, region, limit],
        vec![region, ("mcp-param-row-limit", "43")],
        vec![region, ("mcp-param-row-limit", "")],
        vec![region, ("mcp-param-row-limit", "inf")],
        vec![region, ("mcp-param-row-limit", "+42")],
        vec![region, limit, ("mcp-param-dry_run", "true")],
        vec![("mcp-param-region", "=?base64?ZXU?="), limit],
        vec![("mcp-param-region", "eu, eu"), limit],
    ] {
        assert_eq!(checked(&bad, arguments), Err(400), "{bad:?}");
    }
}

#[test]
fn a_schema_whose_annotations_no_client_could_follow_is_refused() {
    let property = |property: &str| format!(r#"{{"type":"object","properties":{{"a":{property}}}}}"#);
    let mut bad = vec![
        "not json".to_owned(),
        r#"{"type":"object","x-mcp-header":"X"}"#.to_owned(),
        r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"type":"string","x-mcp-header":"X"}}}"##.to_owned(),
        r#"{"properties":{"a":{"type":"string","x-mcp-header":"X"},"b":{"type":"string","x-mcp-header":"x"}}}"#.to_owned(),
        format!("{{\"properties\":{{{}}}}}", (0..33).map(|n| format!(r#""p{n}":{{"type":"string","x-mcp-header":"h{n}"}}"#)).collect::<Vec<_>>().join(",")),
    ];
    for word in [r#""""#, r#""a b""#, r#""a:b""#, r#""a\r\nX: y""#, r#""é""#, "1", "null", r#"["a"]"#] {
        bad.push(property(&format!(r#"{{"type":"string","x-mcp-header":{word}}}"#)));
    }
    for kind in [r#""number""#, r#""object""#, r#""array""#, r#""null""#, r#"["string","null"]"#, "1"] {
        bad.push(property(&format!(r#"{{"type":{kind},"x-mcp-header":"X"}}"#)));
    }
    let annotated = r#"{"type":"string","x-mcp-header":"X"}"#;
    for keyword in schema::ONE {
        bad.push(property(&format!(r#"{{"{keyword}":{annotated}}}"#)));
        bad.push(property(&format!(r#"{{"{keyword}":{{"properties":{{"b":{annotated}}}}}}}"#)));
    }
    for keyword in schema::LISTS {
        bad.push(property(&format!(r#"{{"{keyword}":[{annotated}]}}"#)));
    }
    for keyword in schema::MAPS {
        bad.push(property(&format!(r#"{{"{keyword}":{{"b":{annotated}}}}}"#)));
    }
    for schema in bad {
        assert!(ParamHeader::of_schema(schema.as_bytes()).is_err(), "{schema}");
    }
}

#[test]
fn no_annotation_can_name_a_header_that_means_something_else() {
    for word in ["authorization", "host", "Cookie", "connection", "content-length", "mcp-name"] {
        let schema = format!(r#"{{"properties":{{"a":{{"type":"string","x-mcp-header":"{word}"}}}}}}"#);
        let [param] = ParamHeader::of_schema(schema.as_bytes()).unwrap().try_into().unwrap();
        assert_eq!(param.header().as_str(), format!("mcp-param-{}", word.to_lowercase()));
    }
}

use super::*;

#[test]
fn a_caller_without_a_token_is_told_where_to_get_one_and_no_error() {
    let challenge =
        Unauthenticated::MISSING.challenge("https://mcp.example/.well-known/oauth-protected-resource/eng", "");
    assert_eq!(challenge, r#"Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/eng""#);
}

#[test]
fn a_bad_token_is_named_with_the_scopes() {
    let challenge = Unauthenticated::invalid("the token has expired").challenge("https://a/m", "mcp:tools mcp:read");
    let expected = r#"Bearer resource_metadata="https://a/m", error="invalid_token", error_description="the token has expired", scope="mcp:tools mcp:read""#;
    assert_eq!(challenge, expected);
}

#[test]
fn nothing_breaks_out_of_the_quotes() {
    let challenge = Unauthenticated::MISSING.challenge("https://a\", x=\"\r\nSet-Cookie: a", "s\\\"");
    assert_eq!(challenge, r#"Bearer resource_metadata="https://a, x=Set-Cookie: a", scope="s""#);
}

//! The prompts and the resources.

use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult, ReadResourceResponse, ReadResourceResult,
};
use serde_json::{Value, json};

use super::complete;
use super::tools::embedded;

/// One red pixel, as PNG.
pub const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/// The prompts.
pub fn prompts() -> Value {
    let prompt = |name: &str, arguments: &[&str]| {
        let arguments: Vec<_> = arguments.iter().map(|name| json!({"name": name, "required": true})).collect();
        json!({"name": name, "description": format!("The prompt {name} of the conformance suite."), "arguments": arguments})
    };
    json!([
        prompt("test_simple_prompt", &[]),
        prompt("test_prompt_with_arguments", &["arg1", "arg2"]),
        prompt("test_prompt_with_embedded_resource", &["resourceUri"]),
        prompt("test_prompt_with_image", &[]),
        prompt("test_input_required_result_prompt", &[]),
    ])
}

/// A prompt.
pub fn prompt(request: GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    use super::asks;
    let arguments = Value::Object(request.arguments.unwrap_or_default());
    let argument = |name: &str| arguments[name].as_str().unwrap_or_default();
    let text = |text: &str| json!({"type": "text", "text": text});
    let contents = match &*request.name {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument("arg1"), argument("arg2"));
            vec![text(&format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => vec![
            embedded(argument("resourceUri"), "text/plain", "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image" => vec![
            json!({"type": "image", "data": PIXEL, "mimeType": "image/png"}),
            text("Please analyze the image above."),
        ],
        "test_input_required_result_prompt" => {
            let rounds = [asks::prompt_round()];
            match asks::pending(&rounds, request.input_responses.as_ref(), request.request_state.as_deref())? {
                Some(round) => return asks::required(round).map(GetPromptResponse::InputRequired),
                None => vec![text(&json!(request.input_responses).to_string())],
            }
        }
        name => return Err(ErrorData::invalid_params(format!("no prompt {name}"), None)),
    };
    let messages: Vec<_> = contents.iter().map(|content| json!({"role": "user", "content": content})).collect();
    complete::<GetPromptResult>(json!({"messages": messages})).map(GetPromptResponse::Complete)
}

/// The resources.
pub fn resources() -> Value {
    let resource = |uri: &str, kind: &str| {
        let name = uri.trim_start_matches("test://");
        json!({"uri": uri, "name": name, "description": format!("The resource {name}."), "mimeType": kind})
    };
    json!([
        resource("test://static-text", "text/plain"),
        resource("test://static-binary", "image/png"),
        resource("test://watched-resource", "text/plain"),
    ])
}

/// The resource templates.
pub fn templates() -> Value {
    json!([{
        "uriTemplate": "test://template/{id}/data",
        "name": "template",
        "description": "A resource for every id.",
        "mimeType": "application/json",
    }])
}

/// A resource.
pub fn resource(uri: &str) -> Result<ReadResourceResponse, ErrorData> {
    let templated = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    let content = match (uri, templated) {
        ("test://static-text", _) => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        ("test://static-binary", _) => json!({"uri": uri, "mimeType": "image/png", "blob": PIXEL}),
        ("test://watched-resource", _) => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "Nothing happened yet."})
        }
        (_, Some(id)) => {
            let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"uri": uri, "mimeType": "application/json", "text": data.to_string()})
        }
        _ => return Err(ErrorData::resource_not_found("Resource not found", Some(json!({"uri": uri})))),
    };
    complete::<ReadResourceResult>(json!({"contents": [content]})).map(ReadResourceResponse::Complete)
}

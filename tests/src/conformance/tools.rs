//! What the tools do.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, ErrorData,
    ProgressNotificationParam, ServerNotification,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use super::documents::PIXEL;
use super::{Changed, Everything, asks, complete, message};

/// A silent WAV without a sample.
const SILENCE: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// Calls a tool.
pub async fn call(
    server: &Everything,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    if let Some(rounds) = asks::rounds(&request.name, &context.client_capabilities().unwrap_or_default()) {
        return asks::next(&rounds, request.input_responses, request.request_state.as_deref());
    }
    let arguments = Value::Object(request.arguments.unwrap_or_default());
    let content = match &*request.name {
        "test_error_handling" => return failed("This tool intentionally returns an error for testing"),
        "test_missing_capability" => return require_sampling(&context),
        "test_sampling" => asks::sample(&context, &arguments["prompt"]).await?,
        "test_elicitation" => asks::elicit(&context, &arguments["message"], asks::who()).await?,
        "test_elicitation_sep1034_defaults" => asks::elicit(&context, &json!("Defaults"), asks::defaults()).await?,
        "test_elicitation_sep1330_enums" => asks::elicit(&context, &json!("Choices"), asks::choices()).await?,
        "test_tool_with_progress" => progress(&context).await,
        "test_tool_with_logging" => log(&context).await?,
        "test_logging_tool" if context.meta.log_level().is_some() => log(&context).await?,
        "test_trigger_tool_change" => change(server, Changed::Tools),
        "test_trigger_prompt_change" => change(server, Changed::Prompts),
        name => said(name, &arguments)?,
    };
    complete::<CallToolResult>(json!({"content": content})).map(CallToolResponse::Complete)
}

/// The content of the tools that only answer.
fn said(name: &str, arguments: &Value) -> Result<Value, ErrorData> {
    let image = json!({"type": "image", "data": PIXEL, "mimeType": "image/png"});
    Ok(match name {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => json!([image]),
        "test_audio_content" => json!([{"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}]),
        "test_embedded_resource" => {
            json!([embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")])
        }
        "test_multiple_content_types" => json!([
            {"type": "text", "text": "Multiple content types test:"},
            image,
            embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ]),
        "test_custom_header" => text(arguments["region"].as_str().unwrap_or_default()),
        "json_schema_2020_12_tool" | "test_logging_tool" | "test_streaming_elicitation" => text(name),
        _ => return Err(ErrorData::invalid_params(format!("no tool {name}"), None)),
    })
}

/// One block of text.
pub fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

/// A resource in a result.
pub fn embedded(uri: &str, mime_type: &str, text: &str) -> Value {
    json!({"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": text}})
}

fn failed(why: &str) -> Result<CallToolResponse, ErrorData> {
    Ok(CallToolResponse::Complete(CallToolResult::error(vec![ContentBlock::text(why)])))
}

fn require_sampling(context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
    if context.client_capabilities().unwrap_or_default().sampling.is_some() {
        return Ok(CallToolResponse::Complete(CallToolResult::success(vec![ContentBlock::text("sampling is there")])));
    }
    let required: ClientCapabilities = message(json!({"sampling": {}}))?;
    Err(ErrorData::missing_required_client_capability(required))
}

async fn progress(context: &RequestContext<RoleServer>) -> Value {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, done).with_total(100.0);
            // Nobody may listen any more.
            let _ = context.peer.notify_progress(progress).await;
        }
    }
    text("Progress was reported.")
}

async fn log(context: &RequestContext<RoleServer>) -> Result<Value, ErrorData> {
    for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        let said: ServerNotification =
            message(json!({"method": "notifications/message", "params": {"level": "info", "data": line}}))?;
        // Nobody may listen any more.
        let _ = context.peer.send_notification(said).await;
    }
    Ok(text("Lines were logged."))
}

fn change(server: &Everything, changed: Changed) -> Value {
    // Nobody may listen.
    let _ = server.changes.send(changed);
    text("Whoever listens was told.")
}

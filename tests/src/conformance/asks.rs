//! What the server asks of a client: by a request of its own in a session, by a result that requires input without one.

use rmcp::model::{CallToolResult, ClientCapabilities, ErrorData, InputRequiredResult, InputResponses, ServerRequest};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use super::tools::text;
use super::{complete, message};

/// Asks a client in a session for a sample.
pub async fn sample(context: &RequestContext<RoleServer>, prompt: &Value) -> Result<Value, ErrorData> {
    let answer = ask(context, sampling(prompt)).await?;
    Ok(text(&format!("LLM response: {}", answer["content"])))
}

/// Asks the user of a client in a session.
pub async fn elicit(context: &RequestContext<RoleServer>, question: &Value, schema: Value) -> Result<Value, ErrorData> {
    let answer = ask(context, elicitation(question, schema)).await?;
    Ok(text(&format!("User response: action={}, content={}", answer["action"], answer["content"])))
}

async fn ask(context: &RequestContext<RoleServer>, request: Value) -> Result<Value, ErrorData> {
    let request: ServerRequest = message(request)?;
    let refused = |error: &dyn std::fmt::Display| ErrorData::internal_error(format!("the client: {error}"), None);
    let answer = context.peer.send_request(request).await.map_err(|error| refused(&error))?;
    serde_json::to_value(answer).map_err(|error| refused(&error))
}

/// One time that input is required: the requests by key, and the state that comes back.
pub struct Round {
    requests: Value,
    state: Option<&'static str>,
}

/// The rounds of a tool that requires input.
pub fn rounds(tool: &str, client: &ClientCapabilities) -> Option<Vec<Round>> {
    let round = |requests, state| Round { requests, state };
    let name = || elicitation(&json!("What is your name?"), object("name", "string"));
    let roots = json!({"method": "roots/list", "params": {}});
    let tool = tool.strip_prefix("test_input_required_result_")?;
    Some(match tool {
        "elicitation" => vec![round(json!({"user_name": name()}), None)],
        "sampling" => {
            let capital = sampling(&json!("What is the capital of France?"));
            vec![round(json!({"capital_question": capital}), None)]
        }
        "list_roots" => vec![round(json!({"client_roots": roots}), None)],
        "request_state" | "tampered_state" => {
            let confirm = elicitation(&json!("Please confirm"), object("ok", "boolean"));
            vec![round(json!({"confirm": confirm}), Some("state-of-one-round"))]
        }
        "multiple_inputs" => {
            let greeting = sampling(&json!("Generate a greeting"));
            let requests = json!({"user_name": name(), "greeting": greeting, "client_roots": roots});
            vec![round(requests, Some("state-of-many-inputs"))]
        }
        "multi_round" => {
            let first = elicitation(&json!("Step 1: What is your name?"), object("name", "string"));
            let second = elicitation(&json!("Step 2: What is your favorite color?"), object("color", "string"));
            vec![
                round(json!({"step1": first}), Some("state-of-round-one")),
                round(json!({"step2": second}), Some("state-of-round-two")),
            ]
        }
        "capabilities" => {
            let can = [
                ("user_name", client.elicitation.is_some(), name()),
                ("greeting", client.sampling.is_some(), sampling(&json!("Generate a greeting"))),
                ("client_roots", client.roots.is_some(), roots),
            ];
            let requests =
                can.into_iter().filter(|(_, can, _)| *can).map(|(key, _, request)| (key.to_owned(), request));
            vec![round(Value::Object(requests.collect()), None)]
        }
        _ => return None,
    })
}

/// The round of a prompt that requires input.
pub fn prompt_round() -> Round {
    let context = elicitation(&json!("What context should the prompt use?"), object("context", "string"));
    Round { requests: json!({"user_context": context}), state: None }
}

/// The next round, or the end.
pub fn next<T>(rounds: &[Round], responses: Option<InputResponses>, state: Option<&str>) -> Result<T, ErrorData>
where
    T: From<InputRequiredResult> + From<CallToolResult>,
{
    match pending(rounds, responses.as_ref(), state)? {
        Some(round) => required(round).map(T::from),
        None => {
            let given = json!(responses.unwrap_or_default());
            complete::<CallToolResult>(json!({"content": text(&format!("state-ok, and the input was {given}"))}))
                .map(T::from)
        }
    }
}

/// The round whose input is still wanted.
pub fn pending<'r>(
    rounds: &'r [Round],
    responses: Option<&InputResponses>,
    state: Option<&str>,
) -> Result<Option<&'r Round>, ErrorData> {
    let (Some(responses), asked) = (responses, rounds.iter().position(|round| round.state == state)) else {
        return Ok(rounds.first());
    };
    let asked = match (asked, state) {
        (Some(asked), _) => asked,
        (None, None) => 0,
        (None, Some(_)) => return Err(ErrorData::invalid_params("requestState is not one of ours", None)),
    };
    let answered = |key: &String| responses.get(key).is_some_and(Value::is_object);
    let complete = rounds[asked].requests.as_object().is_some_and(|requests| requests.keys().all(answered));
    Ok(if complete { rounds.get(asked + 1) } else { rounds.get(asked) })
}

/// The result that requires a round's input.
pub fn required(round: &Round) -> Result<InputRequiredResult, ErrorData> {
    let mut result = json!({"resultType": "input_required", "inputRequests": round.requests});
    if let Some(state) = round.state {
        result["requestState"] = json!(state);
    }
    message(result)
}

fn sampling(prompt: &Value) -> Value {
    let question = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    json!({"method": "sampling/createMessage", "params": {"messages": [question], "maxTokens": 100}})
}

fn elicitation(question: &Value, schema: Value) -> Value {
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": question, "requestedSchema": schema}})
}

fn object(name: &str, kind: &str) -> Value {
    json!({"type": "object", "properties": {name: {"type": kind}}, "required": [name]})
}

/// Two texts that the user must give.
pub fn who() -> Value {
    let text = |what: &str| json!({"type": "string", "description": what});
    json!({
        "type": "object",
        "properties": {"username": text("User's response"), "email": text("User's email address")},
        "required": ["username", "email"],
    })
}

/// A default for every primitive type.
pub fn defaults() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    }})
}

/// Every way to offer a choice.
pub fn choices() -> Value {
    let plain = ["option1", "option2", "option3"];
    let titled = |names: [&str; 3]| {
        let options =
            names.iter().enumerate().map(|(at, name)| json!({"const": format!("value{}", at + 1), "title": name}));
        Value::Array(options.collect())
    };
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"])},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled(["First Choice", "Second Choice", "Third Choice"])}},
    }})
}

//! The methods that metrics and audit tell apart: a closed set, so that no client can make series.

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Method {
    /// Unknown, or not known yet.
    Other,
    /// HTTP GET: an event stream, or a document.
    Get,
    /// HTTP DELETE: the end of a session.
    Delete,
    /// `initialize`.
    Initialize,
    /// `ping`.
    Ping,
    /// `server/discover`.
    Discover,
    /// `tools/list`.
    ToolsList,
    /// `tools/call`.
    ToolsCall,
    /// `prompts/…`.
    Prompts,
    /// `resources/…`.
    Resources,
    /// `completion/complete`.
    Complete,
    /// `logging/setLevel`.
    SetLevel,
    /// `subscriptions/listen`.
    Listen,
    /// `tasks/…`.
    Tasks,
    /// `notifications/cancelled`.
    Cancelled,
    /// Every other notification.
    Notification,
    /// An answer of the client.
    Response,
}

impl Method {
    /// All of them, each at its own number.
    pub const ALL: [Self; 17] = [
        Self::Other,
        Self::Get,
        Self::Delete,
        Self::Initialize,
        Self::Ping,
        Self::Discover,
        Self::ToolsList,
        Self::ToolsCall,
        Self::Prompts,
        Self::Resources,
        Self::Complete,
        Self::SetLevel,
        Self::Listen,
        Self::Tasks,
        Self::Cancelled,
        Self::Notification,
        Self::Response,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Of an HTTP method; what a POST is, its body says.
    #[must_use]
    pub fn of_http(method: &http::Method) -> Self {
        match *method {
            http::Method::GET => Self::Get,
            http::Method::DELETE => Self::Delete,
            _ => Self::Other,
        }
    }

    /// Of a JSON-RPC method.
    #[must_use]
    pub fn of(method: &str) -> Self {
        match method {
            "initialize" => Self::Initialize,
            "ping" => Self::Ping,
            "server/discover" => Self::Discover,
            "tools/list" => Self::ToolsList,
            "tools/call" => Self::ToolsCall,
            "completion/complete" => Self::Complete,
            "logging/setLevel" => Self::SetLevel,
            "subscriptions/listen" => Self::Listen,
            "notifications/cancelled" => Self::Cancelled,
            _ => match method.split_once('/').map(|(family, _)| family) {
                Some("prompts") => Self::Prompts,
                Some("resources") => Self::Resources,
                Some("tasks") => Self::Tasks,
                Some("notifications") => Self::Notification,
                _ => Self::Other,
            },
        }
    }

    /// As metrics and audit lines have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Get => "GET",
            Self::Delete => "DELETE",
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::Discover => "server/discover",
            Self::ToolsList => "tools/list",
            Self::ToolsCall => "tools/call",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Complete => "completion/complete",
            Self::SetLevel => "logging/setLevel",
            Self::Listen => "subscriptions/listen",
            Self::Tasks => "tasks",
            Self::Cancelled => "notifications/cancelled",
            Self::Notification => "notifications",
            Self::Response => "response",
        }
    }
}

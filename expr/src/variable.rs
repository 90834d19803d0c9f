//! The words that expressions and key paths may use. The table in the API's description is this one.

/// Something that an expression can read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Variable {
    /// `identity.issuer`
    IdentityIssuer,
    /// `identity.subject`
    IdentitySubject,
    /// `identity.claims`, an object
    IdentityClaims,
    /// `tool.name`
    ToolName,
    /// `tool.server`
    ToolServer,
    /// `tool.annotations`, trusted hints only
    ToolAnnotations,
    /// `arguments`, an object
    Arguments,
    /// `request.method`
    RequestMethod,
    /// `request.host`
    RequestHost,
    /// `request.path`
    RequestPath,
    /// `request.headers`
    RequestHeaders,
    /// `request.revision`
    RequestRevision,
}

impl Variable {
    /// Every variable, in the order of the API's description.
    pub const ALL: [Self; 12] = [
        Self::IdentityIssuer,
        Self::IdentitySubject,
        Self::IdentityClaims,
        Self::ToolName,
        Self::ToolServer,
        Self::ToolAnnotations,
        Self::Arguments,
        Self::RequestMethod,
        Self::RequestHost,
        Self::RequestPath,
        Self::RequestHeaders,
        Self::RequestRevision,
    ];

    /// As users write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdentityIssuer => "identity.issuer",
            Self::IdentitySubject => "identity.subject",
            Self::IdentityClaims => "identity.claims",
            Self::ToolName => "tool.name",
            Self::ToolServer => "tool.server",
            Self::ToolAnnotations => "tool.annotations",
            Self::Arguments => "arguments",
            Self::RequestMethod => "request.method",
            Self::RequestHost => "request.host",
            Self::RequestPath => "request.path",
            Self::RequestHeaders => "request.headers",
            Self::RequestRevision => "request.revision",
        }
    }

    /// The variable that a root and a member name, such as `identity` and `claims`.
    pub(crate) fn of(root: &str, member: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variable| variable.as_str().split_once('.') == Some((root, member)))
    }

    /// Whether it stands for members that are not known beforehand.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::IdentityClaims | Self::Arguments)
    }
}

/// A set of variables.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct VariableSet(u16);

impl VariableSet {
    /// Whether the set holds `variable`.
    pub fn contains(self, variable: Variable) -> bool {
        self.0 & (1 << variable as u8) != 0
    }

    /// Whether nothing but `identity` is read.
    pub fn is_identity_only(self) -> bool {
        self.0 & !0b111 == 0
    }

    /// Whether something is read that exists only while a call is made: its arguments or its request.
    pub fn needs_call(self) -> bool {
        self.0 >> Variable::Arguments as u8 != 0
    }

    /// The variables of the set.
    pub fn iter(self) -> impl Iterator<Item = Variable> {
        Variable::ALL.into_iter().filter(move |variable| self.contains(*variable))
    }

    /// Everything that either set holds.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn insert(&mut self, variable: Variable) {
        self.0 |= 1 << variable as u8;
    }
}

/// A behaviour hint of a tool (`ToolAnnotations` of the MCP schema).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// `readOnlyHint`
    ReadOnly,
    /// `destructiveHint`
    Destructive,
    /// `idempotentHint`
    Idempotent,
    /// `openWorldHint`
    OpenWorld,
}

impl Hint {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "readOnlyHint" => Self::ReadOnly,
            "destructiveHint" => Self::Destructive,
            "idempotentHint" => Self::Idempotent,
            "openWorldHint" => Self::OpenWorld,
            _ => return None,
        })
    }

    /// What the specification says of a tool that does not say.
    pub fn default_value(self) -> bool {
        matches!(self, Self::Destructive | Self::OpenWorld)
    }
}

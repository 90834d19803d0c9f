//! Every bound of a gateway in one place: connections, sizes, the time of each phase, streams, and what telemetry may keep.
//!
//! Nothing here decides anything. `docs/limits.md` shows [`Limits::table`]; a bound that is not in this struct does not exist.

use std::time::Duration;

/// Every bound, with its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Client connections of the process.
    pub connections: usize,
    /// Client connections of one source: an IPv4 address or an IPv6 /64. Load balancers share few addresses among many agents, so it is wide.
    pub connections_per_source: usize,
    /// Age at which a connection is closed gracefully, +-20 % so that they do not all go at once; new pods and cores get their share.
    pub connection_age: Duration,
    /// Longest wait for the first byte of a new connection.
    pub first_byte: Duration,
    /// Longest TLS handshake.
    pub tls_handshake: Duration,
    /// Longest wait from the first to the last byte of a request's head.
    pub head: Duration,
    /// Longest wait for a request's body, from the end of its head.
    pub body: Duration,
    /// Longest wait for a peer that takes none of the bytes that we have for it.
    pub send_stall: Duration,
    /// Longest wait between requests of one connection.
    pub idle: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Fields of a request's head.
    pub head_fields: usize,
    /// Bytes of a request's body, unless a policy says less.
    pub request_bytes: u64,
    /// Bytes of an upstream's answer, unless a policy says less.
    pub response_bytes: u64,
    /// Bytes of one server-sent event.
    pub event_bytes: usize,
    /// Event streams that the process holds open.
    pub streams: usize,
    /// Requests at a time on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Bytes that one HTTP/2 stream may buffer in each direction.
    pub http2_stream_bytes: u32,
    /// Bytes that one HTTP/2 connection may have under way towards us.
    pub http2_connection_bytes: u32,
    /// Streams that a peer may have reset before we dealt with them (rapid reset).
    pub http2_resets: usize,
    /// Longest wait for a connection to an upstream: name, TCP and TLS together.
    pub upstream_connect: Duration,
    /// Longest wait for the head of an upstream's answer.
    pub upstream_first_byte: Duration,
    /// Longest time from a call to the last byte of its answer, however much of it keeps coming.
    pub upstream_total: Duration,
    /// Pause after which a quiet event stream gets a comment, so that nobody on the way takes it for dead.
    pub heartbeat: Duration,
    /// Age at which an older client's session ends.
    pub session: Duration,
    /// Bytes of a key set that an issuer publishes.
    pub jwks_bytes: u64,
    /// Time between two fetches of a key set, +-20 %.
    pub jwks_refresh: Duration,
    /// Least time between two fetches ahead of time, which unknown keys in tokens cause, and longest between those of an issuer that fails.
    pub jwks_refetch: Duration,
    /// Longest use of a key set whose issuer does not answer.
    pub jwks_kept: Duration,
    /// Tools in one page of a list.
    pub page_tools: usize,
    /// Bytes in one page of a list.
    pub page_bytes: usize,
    /// Bytes of rendered pages that are kept for all who may see the same.
    pub pages_bytes: u64,
    /// Connections of the admin port.
    pub admin_connections: usize,
    /// Routes with metrics of their own; further ones are counted as `other`.
    pub metric_routes: usize,
    /// Tools with metrics of their own; further ones are counted as `other`.
    pub metric_tools: usize,
    /// Audit lines that wait to be written; further ones are dropped and counted.
    pub audit_lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            connections_per_source: 4_096,
            connection_age: Duration::from_mins(10),
            first_byte: Duration::from_secs(5),
            tls_handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            send_stall: Duration::from_mins(1),
            idle: Duration::from_mins(2),
            head_bytes: 32 << 10,
            head_fields: 64,
            request_bytes: 4 << 20,
            response_bytes: 16 << 20,
            event_bytes: 4 << 20,
            streams: 10_000,
            http2_streams: 128,
            http2_stream_bytes: 256 << 10,
            http2_connection_bytes: 1 << 20,
            http2_resets: 20,
            upstream_connect: Duration::from_secs(1),
            upstream_first_byte: Duration::from_mins(1),
            upstream_total: Duration::from_mins(10),
            heartbeat: Duration::from_secs(15),
            session: portolan_config::limits::SESSION,
            jwks_bytes: 256 << 10,
            jwks_refresh: Duration::from_mins(5),
            jwks_refetch: Duration::from_mins(1),
            jwks_kept: Duration::from_hours(24),
            page_tools: 1_000,
            page_bytes: 4 << 20,
            pages_bytes: 32 << 20,
            admin_connections: 64,
            metric_routes: 2_000,
            metric_tools: 5_000,
            audit_lines: 8_192,
        }
    }
}

impl Limits {
    /// The bounds as rows of a Markdown table: what is bounded, and by how much.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::from("| bound | default |\n|---|---|\n");
        for (what, value) in self.rows() {
            table.push_str(&format!("| {what} | {value} |\n"));
        }
        table
    }

    /// Destructured without `..`: a bound that is added and not shown does not compile.
    fn rows(&self) -> [(&'static str, String); 35] {
        let Self {
            connections,
            connections_per_source,
            connection_age,
            first_byte,
            tls_handshake,
            head,
            body,
            send_stall,
            idle,
            head_bytes,
            head_fields,
            request_bytes,
            response_bytes,
            event_bytes,
            streams,
            http2_streams,
            http2_stream_bytes,
            http2_connection_bytes,
            http2_resets,
            upstream_connect,
            upstream_first_byte,
            upstream_total,
            heartbeat,
            session,
            jwks_bytes,
            jwks_refresh,
            jwks_refetch,
            jwks_kept,
            page_tools,
            page_bytes,
            pages_bytes,
            admin_connections,
            metric_routes,
            metric_tools,
            audit_lines,
        } = self;
        [
            ("connections", connections.to_string()),
            ("connections of one source address", connections_per_source.to_string()),
            ("age of a connection, then closed gracefully (±20 %)", time(*connection_age)),
            ("first byte of a connection", time(*first_byte)),
            ("TLS handshake", time(*tls_handshake)),
            ("head of a request: time", time(*head)),
            ("body of a request: time", time(*body)),
            ("peer that takes no bytes", time(*send_stall)),
            ("idle connection", time(*idle)),
            ("head of a request: bytes", size(*head_bytes as u64)),
            ("head of a request: fields", head_fields.to_string()),
            ("body of a request: bytes", size(*request_bytes)),
            ("answer of an upstream: bytes", size(*response_bytes)),
            ("one server-sent event: bytes", size(*event_bytes as u64)),
            ("open event streams", streams.to_string()),
            ("HTTP/2: requests at a time on a connection", http2_streams.to_string()),
            ("HTTP/2: buffer of a stream", size(u64::from(*http2_stream_bytes))),
            ("HTTP/2: receive window of a connection", size(u64::from(*http2_connection_bytes))),
            ("HTTP/2: resets that wait", http2_resets.to_string()),
            ("connection to an upstream", time(*upstream_connect)),
            ("first byte of an upstream's answer", time(*upstream_first_byte)),
            ("a call, to the last byte of its answer", time(*upstream_total)),
            ("quiet event stream before a comment", time(*heartbeat)),
            ("session of an older client", time(*session)),
            ("key set of an issuer: bytes", size(*jwks_bytes)),
            ("between two fetches of a key set (±20 %)", time(*jwks_refresh)),
            ("between two fetches ahead of time", time(*jwks_refetch)),
            ("key set of an issuer that does not answer", time(*jwks_kept)),
            ("page of a list: tools", page_tools.to_string()),
            ("page of a list: bytes", size(*page_bytes as u64)),
            ("rendered pages that are kept", size(*pages_bytes)),
            ("connections of the admin port", admin_connections.to_string()),
            ("routes with metrics of their own", metric_routes.to_string()),
            ("tools with metrics of their own", metric_tools.to_string()),
            ("audit lines that wait", audit_lines.to_string()),
        ]
    }
}

fn time(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{}Mi", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}Ki", bytes >> 10),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests;

#!/usr/bin/env bash
# Two demonstration MCP servers behind one endpoint, without a cluster. Ctrl-C stops everything.
#   PORTOLAN_DEMO_LISTEN=127.0.0.1:8080  PORTOLAN_DEMO_ADMIN=127.0.0.1:8081  PORTOLAN_DEMO_UNITS=127.0.0.1:9101  PORTOLAN_DEMO_NOTES=127.0.0.1:9102
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\n== %s\n' "$*"; }

listen=${PORTOLAN_DEMO_LISTEN:-127.0.0.1:8080}
admin=${PORTOLAN_DEMO_ADMIN:-127.0.0.1:8081}
units=${PORTOLAN_DEMO_UNITS:-127.0.0.1:9101}
notes=${PORTOLAN_DEMO_NOTES:-127.0.0.1:9102}
bin=${CARGO_TARGET_DIR:-target}/debug

say "building (a few minutes when cold)"
cargo build -p portolan-cli -p portolan-tests --bin portolan --bin demo-units --bin demo-notes

work=$(mktemp -d)
pids=()
stop() {
  trap - EXIT INT TERM
  say "stopping"
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
# Whoever presses Ctrl-C has seen enough: nothing has failed.
trap 'exit 0' INT
trap 'exit 143' TERM

await() { # file, pid, what
  for _ in $(seq 150); do
    [ -s "$1" ] && return 0
    kill -0 "$2" 2>/dev/null || { echo "$3 did not start" >&2; exit 1; }
    sleep 0.2
  done
  echo "$3 is not ready after 30 s" >&2
  exit 1
}

say "starting the servers: units on $units, notes on $notes"
"$bin/demo-units" --listen "$units" --ready-file "$work/units" & pids+=($!)
await "$work/units" $! "the units server"
"$bin/demo-notes" --listen "$notes" --ready-file "$work/notes" & pids+=($!)
await "$work/notes" $! "the notes server"

manifests=examples
if [ "$units/$notes" != "127.0.0.1:9101/127.0.0.1:9102" ]; then
  manifests=$work/examples
  cp -r examples "$manifests"
  sed -i "s/127\.0\.0\.1:9101/$units/; s/127\.0\.0\.1:9102/$notes/" "$manifests/servers.yaml"
fi

say "starting the gateway on $manifests: edit a file there and see what changes"
PORTOLAN_LOG=${PORTOLAN_LOG:-warn} "$bin/portolan" standalone -f "$manifests" --listen "$listen" --admin "$admin" \
  --ready-file "$work/ready" & pids+=($!)
gateway=$!
await "$work/ready" "$gateway" "the gateway"
address=$(sed 's/.*"listen":"\([^"]*\)".*/\1/' "$work/ready")
sleep 1 # the conditions print themselves first
url=http://$address/mcp

cat <<TEXT

== connect an agent to $url

Claude Code    claude mcp add --transport http portolan $url
VS Code        .vscode/mcp.json      {"servers": {"portolan": {"type": "http", "url": "$url"}}}
Cursor         ~/.cursor/mcp.json    {"mcpServers": {"portolan": {"url": "$url"}}}
Codex          ~/.codex/config.toml  [mcp_servers.portolan]
                                     url = "$url"
Anything else  streamable HTTP, no authentication

Then ask it: "Convert 42 km/h to knots and write the result into a note."
It cannot delete notes, and not write into the notebook "archive": examples/policy.yaml says so.

Metrics        http://$(sed 's/.*"admin":"\([^"]*\)".*/\1/' "$work/ready")/metrics
Ctrl-C stops everything.
TEXT
wait "$gateway"

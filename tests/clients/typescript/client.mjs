// One MCP client of the official TypeScript SDKs, driven by the end-to-end tests.
//
// 2025-11-25 is spoken by the SDK's first line (@modelcontextprotocol/sdk), everything else by the
// second (@modelcontextprotocol/client). It prints JSON lines and decides nothing.

import { parseArgs } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import * as v2 from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const USAGE = `usage: client URL [--token T] [--protocol auto|2025-11-25|2026-07-28] COMMAND
  list                                               the server and the names of its tools
  call NAME JSONARGS                                 the tool's result
  loop NAME JSONARGS --for-stdin [--interval MS]     call in one session until stdin ends`;

const LEGACY = "2025-11-25";
const IDENTITY = { name: "portolan-test-typescript", version: "1" };
const INTERVAL = "10"; // milliseconds between the calls of a loop: two cores are shared with what is tested

function print(value) {
  process.stdout.write(JSON.stringify(value) + "\n");
}

function fail(error) {
  print({ error: describe(error) });
  process.exitCode = 1;
}

/** What went wrong, from the SDK's error down to the socket's: the code that says most, every message once. */
function describe(error) {
  const chain = [];
  for (let at = error; at !== undefined && at !== null && chain.length < 5; at = at.cause) chain.push(at);
  const codes = chain.map((at) => at.code).filter((code) => code !== undefined);
  const code = codes.find((code) => typeof code === "number") ?? codes.at(-1) ?? null;
  const messages = chain.map((at) => String(at.message ?? at)).filter(Boolean);
  const described = { code, message: [...new Set(messages)].join(": ") };
  const isStatus = (value) => Number.isInteger(value) && value >= 100 && value < 600; // the first SDK's code is one
  const status = chain.flatMap((at) => [at.status, at.data?.status, at.code]).find(isStatus);
  return status === undefined ? described : { ...described, status };
}

/** Connects with the SDK that speaks the wanted revision; refuses to go on with another one. */
async function connect(url, token, protocol) {
  const first = protocol === LEGACY;
  const Transport = first ? FirstTransport : v2.StreamableHTTPClientTransport;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const transport = new Transport(new URL(url), { requestInit: { headers } });
  const mode = protocol === "auto" ? "auto" : { pin: protocol };
  const client = first ? new FirstClient(IDENTITY) : new v2.Client(IDENTITY, { versionNegotiation: { mode } });
  await client.connect(transport);
  const negotiated = first ? transport.protocolVersion : client.getNegotiatedProtocolVersion();
  if (protocol !== "auto" && negotiated !== protocol) {
    throw new Error(`the server answered with protocol ${negotiated}, not ${protocol}`);
  }
  const close = async () => {
    await transport.terminateSession().catch(() => {}); // the server may have no session to end
    await client.close();
  };
  return { client, negotiated, close };
}

async function list({ client, negotiated }) {
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools(cursor === undefined ? undefined : { cursor });
    tools.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  print({ serverInfo: client.getServerVersion() ?? null, protocolVersion: negotiated, tools });
}

async function call({ client }, name, args) {
  const result = await client.callTool({ name, arguments: args });
  print({ isError: result.isError ?? false, content: result.content, structuredContent: result.structuredContent });
}

async function loop({ client }, name, args, interval) {
  let open = true;
  process.stdin.on("end", () => (open = false)).resume();
  while (open) {
    try {
      const result = await client.callTool({ name, arguments: args });
      print(result.isError ? { ok: false, error: { code: "isError", message: JSON.stringify(result.content) } } : { ok: true });
    } catch (error) {
      print({ ok: false, error: describe(error) });
    }
    await pause(interval);
  }
}

function parse() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      token: { type: "string" },
      protocol: { type: "string", default: "auto" },
      "for-stdin": { type: "boolean", default: false },
      interval: { type: "string", default: INTERVAL },
    },
  });
  const [url, command, name, json] = positionals;
  const complete = command === "list" ? positionals.length === 2 : positionals.length === 4;
  const known = ["list", "call", "loop"].includes(command) && (command === "loop") === values["for-stdin"];
  if (!complete || !known || !["auto", LEGACY, "2026-07-28"].includes(values.protocol)) {
    throw new Error("wrong arguments");
  }
  const args = json === undefined ? undefined : JSON.parse(json);
  return { url, command, name, args, token: values.token, protocol: values.protocol, interval: Number(values.interval) };
}

async function run(wanted) {
  const connection = await connect(wanted.url, wanted.token, wanted.protocol);
  try {
    if (wanted.command === "list") await list(connection);
    else if (wanted.command === "call") await call(connection, wanted.name, wanted.args);
    else await loop(connection, wanted.name, wanted.args, wanted.interval);
  } finally {
    await connection.close();
  }
}

let wanted;
try {
  wanted = parse();
} catch (error) {
  console.error(`${error.message}\n${USAGE}`);
  process.exit(2);
}
await run(wanted).catch(fail);

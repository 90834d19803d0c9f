"""One MCP client of the official Python SDK, driven by the end-to-end tests.

It prints JSON lines and decides nothing.
"""

import argparse
import asyncio
import json
import sys

from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import Implementation

LEGACY = "2025-11-25"
IDENTITY = Implementation(name="portolan-test-python", version="1")
INTERVAL = 10  # milliseconds between the calls of a loop: two cores are shared with what is tested


def show(value: dict) -> None:
    print(json.dumps(value, ensure_ascii=False, separators=(",", ":")), flush=True)


class Refusals:
    """The HTTP status of the last refusal: the SDK's own error does not tell it."""

    def __init__(self) -> None:
        self.status: int | None = None

    async def see(self, response) -> None:
        if response.status_code >= 400:
            self.status = response.status_code

    def describe(self, error: BaseException) -> dict:
        """What went wrong. The innermost single cause: task groups wrap what really happened."""
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if isinstance(error, MCPError):
            described = {"code": error.code, "message": error.message}
        else:
            described = {"code": type(error).__name__, "message": str(error)}
        status, self.status = self.status, None
        return described if status is None else described | {"status": status}


async def list_tools(client: Client) -> None:
    tools, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += [tool.name for tool in page.tools]
        cursor = page.next_cursor
        if cursor is None:
            break
    server = client.server_info
    info = None if server is None else server.model_dump(mode="json", by_alias=True, exclude_none=True)
    show({"serverInfo": info, "protocolVersion": client.protocol_version, "tools": tools})


async def call(client: Client, name: str, arguments: dict) -> None:
    result = await client.call_tool(name, arguments)
    shown = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    answer = {"isError": bool(result.is_error), "content": shown["content"]}
    if "structuredContent" in shown:
        answer["structuredContent"] = shown["structuredContent"]
    show(answer)


async def loop(client: Client, refusals: Refusals, name: str, arguments: dict, interval: float) -> None:
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    while not ended.done():
        try:
            result = await client.call_tool(name, arguments)
            if result.is_error:
                show({"ok": False, "error": {"code": "isError", "message": result.model_dump_json(by_alias=True)}})
            else:
                show({"ok": True})
        except Exception as error:
            show({"ok": False, "error": refusals.describe(error)})
        await asyncio.sleep(interval)


async def run(wanted: argparse.Namespace, refusals: Refusals) -> None:
    headers = {"Authorization": f"Bearer {wanted.token}"} if wanted.token else None
    async with create_mcp_http_client(headers=headers) as http:
        http.event_hooks["response"].append(refusals.see)
        transport = streamable_http_client(wanted.url, http_client=http)
        mode = "legacy" if wanted.protocol == LEGACY else "auto"
        async with Client(transport, mode=mode, client_info=IDENTITY) as client:
            refusals.status = None  # finding the revision may have been refused once
            if wanted.protocol not in ("auto", client.protocol_version):
                raise RuntimeError(f"the server answered with protocol {client.protocol_version}, not {wanted.protocol}")
            if wanted.command == "list":
                await list_tools(client)
            elif wanted.command == "call":
                await call(client, wanted.name, wanted.arguments)
            else:
                await loop(client, refusals, wanted.name, wanted.arguments, wanted.interval / 1000)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="client")
    parser.add_argument("url")
    parser.add_argument("--token")
    parser.add_argument("--protocol", choices=["auto", LEGACY, "2026-07-28"], default="auto")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the server and the names of its tools")
    one = commands.add_parser("call", help="the tool's result")
    many = commands.add_parser("loop", help="call in one session until stdin ends")
    for command in (one, many):
        command.add_argument("name")
        command.add_argument("arguments", type=json.loads)
    many.add_argument("--for-stdin", action="store_true", required=True)
    many.add_argument("--interval", type=float, default=INTERVAL, help="milliseconds between calls")
    return parser.parse_args()


def main() -> int:
    wanted, refusals = parse(), Refusals()
    try:
        asyncio.run(run(wanted, refusals))
    except Exception as error:
        show({"error": refusals.describe(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

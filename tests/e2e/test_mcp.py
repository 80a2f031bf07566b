"""The tools for coding agents, driven by the protocol's own client over standard input and output."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from tests.support.mesh import Mesh


@asynccontextmanager
async def agent_of(demo: Mesh) -> AsyncIterator[Client]:
    """A session with the server. Not a fixture: it has to end in the task in which it began."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "meshmall", "mcp"],
        env={**os.environ, "MESHMALL_HOME": str(demo.home)},
    )
    async with Client(server) as client:
        yield client


async def call(agent: Client, tool: str, **arguments: Any) -> Any:
    """The tool's typed result."""
    result = await agent.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content.get("result", result.structured_content)


async def refused(agent: Client, tool: str, **arguments: Any) -> str:
    result = await agent.call_tool(tool, arguments)
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_an_agent_tries_a_change_in_a_branch_of_its_own(demo: Mesh) -> None:
    async with agent_of(demo) as agent:
        await _try_a_change(agent, demo)


async def _try_a_change(agent: Client, demo: Mesh) -> None:
    created = await call(agent, "create_branch", name="agent/Try_1", services=["recommend"], env={"BANNER": "true"})
    name = created["name"]
    try:
        assert (created["phase"], created["changes"], created["problem"]) == ("Ready", ["recommend"], "")
        assert [branch["name"] for branch in await call(agent, "list_branches")] == [name]

        answer = await call(agent, "send_request", path="/api/mall", branch="agent/Try_1")
        assert answer["status"] == 200
        assert answer["body"]["recommend"]["banner"] is True
        own = [hop for hop in answer["hops"] if hop["branch"] == name]
        assert [hop["service"] for hop in own] == ["mesh/recommend"]
        assert (await call(agent, "send_request", path="/api/mall"))["body"]["recommend"]["banner"] is False

        compared = await call(agent, "compare_with_baseline", branch=name, path="/api/mall")
        whats = {difference["what"] for difference in compared["differences"]}
        assert {"body .recommend.banner", "workload recommend"} <= whats

        log = await call(agent, "read_logs", name=f"recommend-{name}", lines=5)
        assert 0 < len(log["lines"]) <= 5
    finally:
        await call(agent, "delete_branch", name=name)
    assert await call(agent, "list_branches") == []
    health = await call(agent, "check_health")
    assert health == {"gateway": demo.gateway, "problems": []}


async def test_mistakes_are_errors_that_say_what_to_do(demo: Mesh) -> None:
    async with agent_of(demo) as agent:
        assert "no branch 'nosuch'" in await refused(agent, "send_request", path="/", branch="nosuch")
        assert "no branch 'nosuch'" in await refused(agent, "delete_branch", name="nosuch")
        assert "is not an absolute path" in await refused(
            agent, "create_branch", name="kim", services=["stock"], folder="here"
        )
        assert "nosuch" in await refused(agent, "create_branch", name="kim", services=["nosuch"])
        assert "not found" in await refused(agent, "read_logs", name="nosuch")


async def test_every_tool_says_what_it_takes_and_returns(demo: Mesh) -> None:
    async with agent_of(demo) as agent:
        tools = {tool.name: tool for tool in (await agent.list_tools()).tools}
        assert tools.keys() >= {"create_branch", "send_request", "compare_with_baseline", "read_logs", "delete_branch"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema
        assert json.dumps(tools["create_branch"].input_schema["required"]) == '["name", "services"]'

"""`meshmall mcp`: serves the tools on standard input and output, as coding agents start it."""

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from mesh.branches.compare import CannotCompare
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.context import Context
from meshmall.mcp.tools import Tools

INSTRUCTIONS = """A whole system of microservices runs on this machine. To try a change, create a branch: your own
version of some services, which only requests in that branch reach. Then send requests in the branch, compare them with
the baseline, read logs, and delete the branch when you are done."""


def serve(context: Context) -> None:
    """Serves until standard input ends. Raises Failure when the mesh is not running."""
    context.home.require_running()
    server(context).run("stdio")


def server(context: Context) -> MCPServer:
    """The server with its tools. Each call gets a client of its own: calls run in threads."""
    made = MCPServer("mesh-mall", instructions=INSTRUCTIONS, version=version("mesh-mall"), log_level="WARNING")
    for name in (
        *("list_branches", "create_branch", "delete_branch", "send_request"),
        *("compare_with_baseline", "read_logs", "check_health"),
    ):
        made.tool()(_tool(context, name))
    return made


def _tool(context: Context, name: str) -> Callable[..., object]:
    """A tool as a function of its arguments; failures carry their remedy."""
    method = getattr(Tools(context), name)

    @wraps(method)
    def call(*arguments: object, **named: object) -> object:
        fresh = Context(context.home, context.view, context.namespace)
        try:
            return getattr(Tools(fresh), name)(*arguments, **named)
        except (Failure, CannotCompare) as failure:
            raise ToolError(f"{failure.message}{f' ({failure.remedy})' if failure.remedy else ''}") from None
        except ApiError as error:
            raise ToolError(error.message) from None

    return call

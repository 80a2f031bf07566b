"""`branch run`: a command whose HTTP calls enter the branch."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context

# Programs that start a Java virtual machine, whose HTTP clients take no user name from a proxy variable.
JAVA = frozenset({"java", "jshell", "mvn", "mvnw", "gradle", "gradlew", "sbt", "kotlin", "scala"})
NODE = frozenset({"node", "npm", "npx", "yarn", "pnpm"})
NODE_READS_PROXY = (22, 21)


def proxy_environment(context: Context, branch: str) -> dict[str, str]:
    """The variables with which a program outside the mesh makes its calls in the branch. Raises Failure.

    The proxy's user name carries the branch, because every HTTP client sends it. `BAGGAGE` is OpenTelemetry's
    variable for the context that a process starts with.
    """
    listeners = context.client.status().get("developer") or {}
    address = listeners.get(context.namespace)
    if not address:
        raise Failure(f"the mesh has no listener for programs outside it in namespace {context.namespace}")
    # The password has no meaning, but some clients do not send a user name without one.
    proxy = f"http://{branch}:branch@{address}"
    return {
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "NO_PROXY": "",
        "no_proxy": "",
        "NODE_USE_ENV_PROXY": "1",  # Node.js reads the others only with this one
        "BAGGAGE": f"{BAGGAGE_MEMBER}={branch}",
        "MESHMALL_BRANCH": branch,
        "MESHMALL_GATEWAY": context.settings.gateway_url,
    }


def ignores_proxy(program: str) -> str:
    """Why a program's HTTP calls do not go by the proxy variables; "" when nothing is known against it."""
    name = Path(program).name
    if name in JAVA:
        return "Java does not read HTTP_PROXY"
    if name in NODE:
        try:
            version = subprocess.run(
                ["node", "--version"], capture_output=True, text=True, timeout=10, check=True
            ).stdout
            numbers = tuple(map(int, version.strip().removeprefix("v").split(".")[:2]))
        except (OSError, ValueError, subprocess.SubprocessError):
            return ""
        if numbers < NODE_READS_PROXY:
            return f"Node.js {version.strip()} does not read HTTP_PROXY (from v22.21 it does)"
    return ""


def run_command(context: Context, branch: str, command: Sequence[str]) -> int:
    """Runs the command; returns its exit code (128 + N when signal N ended it). Raises Failure."""
    fetch(context, branch)
    if why := ignores_proxy(command[0]):
        context.view.warn(f"{why}: its calls enter the branch only with the header baggage: {BAGGAGE_MEMBER}={branch}")
    environment = {**os.environ, **proxy_environment(context, branch)}
    try:
        with subprocess.Popen(list(command), env=environment) as process:
            while True:
                try:
                    code = process.wait()
                    break
                except KeyboardInterrupt:
                    continue  # the command got the signal too, and decides itself when to end
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}", code=127) from None
    return 128 - code if code < 0 else code

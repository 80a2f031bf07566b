"""`branch run`: a command whose HTTP calls enter the branch."""

import os
import subprocess
from collections.abc import Sequence

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context


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
        "BAGGAGE": f"{BAGGAGE_MEMBER}={branch}",
        "MESHMALL_BRANCH": branch,
        "MESHMALL_GATEWAY": context.settings.gateway_url,
    }


def run_command(context: Context, branch: str, command: Sequence[str]) -> int:
    """Runs the command; returns its exit code (128 + N when signal N ended it). Raises Failure."""
    fetch(context, branch)
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

"""Lifecycle hooks of a container: postStart and preStop (Kubernetes' LifecycleHandler)."""

import asyncio

from mesh.pods import probes
from mesh.pods.runtime.interface import ProcessSpec, Sandbox
from mesh.resources.core.pod import Container, LifecycleHandler

OUTPUT_SHOWN = 500
"""Characters of a failed command's output that an event shows."""


class HookFailed(Exception):
    """A hook failed; the message says how."""


async def run_hook(
    handler: LifecycleHandler, container: Container, sandbox: Sandbox, spec: ProcessSpec, limit: float
) -> None:
    """Runs a hook for at most `limit` seconds. Raises HookFailed."""
    try:
        async with asyncio.timeout(limit):
            if handler.exec is not None:
                code, output = await sandbox.run(spec, handler.exec.command, limit)
                if code:
                    raise HookFailed(f"command ended with {code}: {output.strip()[-OUTPUT_SHOWN:]}")
            elif handler.sleep is not None:
                await asyncio.sleep(handler.sleep.seconds)
            elif handler.http_get is not None:
                await probes.http_check(handler.http_get, container, sandbox)
    except TimeoutError:
        raise HookFailed(f"did not finish within {limit:g} s") from None
    except probes.ProbeFailed as failure:
        raise HookFailed(str(failure)) from None

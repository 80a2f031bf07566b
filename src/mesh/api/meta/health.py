"""Whether the daemon works: `/livez`, `/readyz` and `/healthz`, in the form of Kubernetes' API server.

Each loop of the daemon is a check. `?verbose` lists them; a failure lists them without being asked, with status 500.
Everybody on the machine may ask, hence no reasons here: `meshmall status` has them.
"""

from collections.abc import Mapping

from mesh.api.transport.http import Reply, Request
from mesh.reconcile.supervisor import LoopState, Supervisor

# A loop that keeps failing is a matter of readiness first. After this many failures in a row (about half a minute) it
# will hardly recover by itself, so that whoever supervises the daemon should restart it.
FAILURES_UNTIL_DEAD = 5


class Health:
    """Answers from the state of the daemon's loops."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def live(self, request: Request) -> Reply:
        """`/livez`: false when a loop cannot be kept running."""
        checks = {name: state.failures < FAILURES_UNTIL_DEAD for name, state in self._states().items()}
        return _reply("livez", checks, verbose=request.flag("verbose"))

    async def ready(self, request: Request) -> Reply:
        """`/readyz` and `/healthz`: false while a loop is not running, or does not run stably."""
        checks = {name: state.running and state.failures < 2 for name, state in self._states().items()}
        return _reply(request.path.strip("/"), checks, verbose=request.flag("verbose"))

    def _states(self) -> Mapping[str, LoopState]:
        return self._supervisor.states


def _reply(name: str, checks: Mapping[str, bool], *, verbose: bool) -> Reply:
    healthy = all(checks.values())
    if healthy and not verbose:
        return Reply(b"ok", content_type="text/plain; charset=utf-8")
    lines = ["[+]ping ok"]
    lines += [f"[+]{check} ok" if passed else f"[-]{check} failed: reason withheld" for check, passed in checks.items()]
    lines.append(f"{name} check {'passed' if healthy else 'failed'}")
    text = "\n".join(lines) + "\n"
    return Reply(text.encode(), 200 if healthy else 500, content_type="text/plain; charset=utf-8")

"""Waits until a branch is ready, and times each step."""

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mesh.client.errors import ApiError
from mesh.client.rollout import is_hopeless
from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import GROUP, HEADER, preview_host
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.branch.names import object_name
from meshmall.cli.context import Context

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.05


@dataclass(slots=True)
class Steps:
    """The milliseconds that consecutive steps took."""

    begun: float = field(default_factory=time.perf_counter)
    taken: list[tuple[str, float]] = field(default_factory=list)
    _last: float = field(default_factory=time.perf_counter)

    def finish(self, name: str) -> None:
        now = time.perf_counter()
        self.taken.append((name, (now - self._last) * 1000))
        self._last = now

    @property
    def total(self) -> float:
        return (self._last - self.begun) * 1000

    def __str__(self) -> str:
        return ", ".join(f"{name} {took:,.0f} ms" for name, took in self.taken)


def branch_ref(context: Context, name: str) -> Ref:
    """The identity of a branch in the context's namespace."""
    return Ref(GROUP, "Branch", context.namespace, name)


def fetch(context: Context, name: str) -> Body:
    """The Branch as it is now. Raises Failure that names the existing branches."""
    try:
        return context.client.get(branch_ref(context, name))
    except ApiError as error:
        if error.status != 404:
            raise Failure(error.message) from None
    names = [body["metadata"]["name"] for body in context.client.list(GROUP, "Branch", context.namespace)]
    remedy = f"existing branches: {', '.join(names[:10])}" if names else "create one with: meshmall branch create"
    raise Failure(f"there is no branch {name!r} in namespace {context.namespace}", remedy)


def existing(context: Context, typed: str) -> str:
    """The name of the branch that was typed, which may be a git branch's. Raises Failure when there is none."""
    name = object_name(typed)
    everywhere = context.client.list(GROUP, "Branch", None)
    if all(body["metadata"]["name"] != name for body in everywhere):
        fetch(context, name)
    return name


def condition(branch: Body, type_: str) -> Body:
    """The status's condition of this type; {} when it has none."""
    conditions: list[Body] = (branch.get("status") or {}).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == type_), {})


class DataFailed(Failure):
    """A store of a branch cannot be copied or prepared."""


def until_ready(
    context: Context, name: str, steps: Steps, timeout: float, progress: Callable[[Body], None] = lambda _: None
) -> Body:
    """Waits until everything that the branch changes is ready and Envoy has acknowledged it.

    `progress` gets the branch at every look. Raises DataFailed when its data cannot be had, Failure with what is not
    ready; the branch itself is kept.
    """
    deadline = time.monotonic() + timeout
    pause, forked = FIRST_PAUSE, False
    while True:
        branch = fetch(context, name)
        current = (branch.get("status") or {}).get("observedGeneration") == branch["metadata"].get("generation")
        progress(branch)
        if current and condition(branch, "DataReady").get("reason") == "Failed":
            raise DataFailed(f"branch {name}: {condition(branch, 'DataReady')['message']}")
        if current and not forked and condition(branch, "ServicesReady").get("status") == "True":
            steps.finish("services ready")
            forked = True
        if current and condition(branch, "Ready").get("status") == "True":
            steps.finish("Envoy acknowledged")
            return branch
        message = condition(branch, "Ready").get("message", "")
        if is_hopeless(message) or time.monotonic() > deadline:
            raise Failure(
                f"branch {name} is not ready: {message or 'it has no status yet'}",
                f"see: meshmall branch show {name}; meshmall get pods; meshmall logs POD",
            )
        time.sleep(pause)
        pause = min(pause * 1.3, LONGEST_PAUSE)


def first_answer(context: Context, name: str, steps: Steps, limit: float = 10.0) -> str:
    """Requests the preview address until the gateway has the branch. Returns the answer's x-branch header.

    Raises Failure when the gateway does not answer at all; returns "" when no rule matches.
    """
    settings = context.settings
    deadline = time.monotonic() + limit
    while True:
        connection = http.client.HTTPConnection(settings.address, settings.gateway_port, timeout=limit)
        try:
            connection.request("GET", "/", headers={"Host": preview_host(name)})
            answer = connection.getresponse()
            answer.read()
        except OSError as error:
            raise Failure(f"the gateway at {settings.gateway_url} does not answer: {error}") from None
        finally:
            connection.close()
        branch = answer.headers.get(HEADER, "")
        if answer.status < 500 or time.monotonic() > deadline:
            steps.finish("first answer")
            return branch
        time.sleep(FIRST_PAUSE)

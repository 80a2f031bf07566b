"""`branch create`, `delete` and `extend`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.durations import seconds
from mesh.resources.values.ref import Ref
from meshmall.cli.apply import refusal, settle
from meshmall.cli.branch.wait import Steps, branch_ref, fetch, first_answer, until_ready
from meshmall.cli.context import Context


def create(context: Context, body: Body, *, wait: bool, timeout: float) -> None:
    """Makes a new branch, waits until it answers, and says how long each step took.

    Raises Failure when there is one of the name, when it is refused, or not ready in time.
    """
    name = body["metadata"]["name"]
    namespace = body["metadata"].get("namespace") or context.namespace
    context = Context(context.home, context.view, namespace)
    try:
        context.client.get(Ref("meshmall.dev", "Branch", namespace, name))
    except ApiError as error:
        if error.status != 404:
            raise Failure(error.message) from None
    else:
        raise Failure(
            f"branch {name} is there already",
            f"look at it: meshmall branch show {name}; change it: meshmall apply -f FILE; or delete it first",
        )
    steps = Steps()
    try:
        outcome = context.client.apply([body], namespace=namespace)
    except ApiError as error:
        raise refusal(error, "nothing was changed") from None
    steps.done("stored")
    for warning in outcome.warnings:
        context.view.warn(warning)
    if not wait:
        context.view.say(f"branch {name} is made; meshmall branch show {name} tells when it is ready")
        return
    branch = until_ready(context, name, steps, timeout)
    first_answer(context, name, steps)
    context.view.say(f"branch [bold]{name}[/] answers after {steps.whole:,.0f} ms [dim]({steps})[/]")
    for line in branch["status"].get("overlaps", []):
        context.view.say(f"  overlap   {line}")
    context.view.say(f"  address   [bold]{branch['status']['url']}[/]")
    for entry in branch["spec"].get("enter", []):
        context.view.say(f"  enters by {entry_text(entry)}")
    context.view.say(f"  ends      {branch['status']['expiresAt']}")


def entry_text(entry: Body) -> str:
    """A way in as people write it: `cookie user=fox`."""
    for kind, value in entry.items():
        return f"host {value}" if kind == "host" else f"{kind} {value['name']}={value['value']}"
    return ""


def delete(context: Context, names: Sequence[str]) -> None:
    """Deletes branches and what was made for them. Raises Failure, with nothing deleted, when one is not there."""
    for name in names:
        fetch(context, name)
    steps = Steps()
    try:
        outcome = context.client.delete([branch_ref(context, name) for name in names])
    except ApiError as error:
        raise refusal(error, "nothing was deleted") from None
    settle(context, outcome.version, ())
    steps.done("gone from every listener")
    for name in names:
        context.view.say(f"branch {name} is deleted")
    context.view.say(f"[dim]{steps}[/]")


def extend(context: Context, name: str, duration: str) -> None:
    """Moves a branch's end to `duration` from now."""
    fetch(context, name)
    try:
        end = datetime.now(UTC) + timedelta(seconds=seconds(duration))
    except (ValueError, OverflowError) as error:
        raise Failure(str(error), "48h, 30m or 7200s would do", code=2) from None
    text = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        context.client.patch(branch_ref(context, name), {"spec": {"expires": text}})
    except ApiError as error:
        raise refusal(error, "nothing was changed") from None
    context.view.say(f"branch {name} ends at {text}")

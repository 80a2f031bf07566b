"""`branch create`, `delete` and `extend`."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.durations import seconds
from meshmall.cli.apply import object_line, refusal, settle
from meshmall.cli.branch.data_text import data_progress, store_text
from meshmall.cli.branch.wait import DataFailed, Steps, branch_ref, fetch, first_answer, until_ready
from meshmall.cli.branch.ways_in import has_gateway, ways_in
from meshmall.cli.context import Context
from meshmall.cli.options import require_output
from meshmall.cli.printing import print_objects, print_results
from meshmall.manifests import mall_manifest

OBJECT_FORMATS = ("text", "json", "yaml", "name")

# The hand-written branches of `meshmall demo`.
DEMO = ("jason.yaml", "fox.yaml")


def create(
    context: Context, body: Body, *, wait: bool, timeout: float, output: str = "text", notes: Sequence[str] = ()
) -> None:
    """Creates a branch, waits until it is ready, and prints how long each step took; `notes` first.

    Raises Failure when a branch of this name exists, when it is refused, when its data cannot be copied (then it is
    deleted again), or when it is not ready in time.
    """
    require_format(context, output)
    name = body["metadata"]["name"]
    namespace = body["metadata"].get("namespace") or context.namespace
    context = context.in_namespace(namespace)
    try:
        context.client.get(branch_ref(context, name))
    except ApiError as error:
        if error.status != 404:
            raise Failure(error.message) from None
    else:
        raise Failure(
            f"branch {name} already exists",
            f"show it: meshmall branch show {name}; change it: meshmall apply -f FILE; or delete it first",
        )
    steps = Steps()
    try:
        outcome = context.client.apply([body], namespace=namespace)
    except ApiError as error:
        raise refusal(error, _after_refusal(name, error)) from None
    steps.finish("stored")
    for warning in outcome.warnings:
        context.view.warn(warning)
    if not wait:
        context.view.say(f"Created branch {name}; see whether it is ready: meshmall branch show {name}")
        if output != "text":
            print_branch(context, name, output)
        return
    for note in notes:
        context.view.say(f"  {note}")
    with context.view.spinner(f"waiting for branch {name}") as show:
        try:
            branch = until_ready(context, name, steps, timeout, data_progress(show))
        except DataFailed:
            context.client.delete([branch_ref(context, name)])
            raise
        if has_gateway(context):
            first_answer(context, name, steps)
    if output != "text":
        print_objects(context.view, [branch], output, one=True)
        return
    context.view.say(f"Branch [bold]{name}[/] is ready ({steps.total:,.0f} ms) [dim]{steps}[/]")
    for line in branch["status"].get("overlaps", []):
        context.view.say(f"  overlap   {line}")
    for store in branch["status"].get("data", []):
        context.view.say(f"  data      {store_text(store)}")
    for line in ways_in(context, branch):
        context.view.say(f"  {line}")
    for entry in branch["spec"].get("enter", []):
        context.view.say(f"  entry     {entry_text(entry)}")
    context.view.say(f"  expires   {branch['status']['expiresAt']}")


def _after_refusal(name: str, error: ApiError) -> str:
    """The state that is left, and how to get rid of the demo's own version where that is in the way."""
    demo = f"{name}.yaml"
    if demo not in DEMO or not any("does not belong to the branch" in cause for cause in error.causes):
        return "nothing was changed"
    return f"nothing was changed; if it is the demo's: meshmall delete -f {shlex.quote(str(mall_manifest(demo)))}"


def require_format(context: Context, output: str) -> None:
    """Raises Failure when `-o` is no format of objects. What is printed beside an object goes to stderr."""
    require_output(output, *OBJECT_FORMATS)
    if output != "text":
        context.view.only_data()


def print_branch(context: Context, name: str, output: str) -> None:
    """Prints a branch as it is now, for other programs."""
    print_objects(context.view, [fetch(context, name)], output, one=True)


def entry_text(entry: Body) -> str:
    """An entry as people write it: `cookie user=fox`."""
    for kind, value in entry.items():
        return f"host {value}" if kind == "host" else f"{kind} {value['name']}={value['value']}"
    return ""


def delete(context: Context, names: Sequence[str], output: str = "text") -> None:
    """Deletes branches and their pods. Raises Failure, with nothing deleted, when one of them does not exist."""
    require_output(output, "text", "json", "name")
    if output != "text":
        context.view.only_data()
    for name in names:
        fetch(context, name)
    steps = Steps()
    try:
        outcome = context.client.delete([branch_ref(context, name) for name in names])
    except ApiError as error:
        raise refusal(error, "nothing was deleted") from None
    settle(context, outcome.version, ())
    steps.finish("routes removed")
    if output == "json":
        print_results(context.view, outcome.results)
    for name in names:
        if output == "name":
            context.view.plain(object_line(branch_ref(context, name)))
        else:
            context.view.say(f"Deleted branch {name}")
    context.view.say(f"[dim]{steps}[/]")


def extend(context: Context, name: str, duration: str, output: str = "text") -> None:
    """Sets a branch's expiry to `duration` from now."""
    require_output(output, *OBJECT_FORMATS)
    fetch(context, name)
    try:
        end = datetime.now(UTC) + timedelta(seconds=seconds(duration))
    except (ValueError, OverflowError) as error:
        raise Failure(str(error), "for example 48h, 30m or 7200s", code=2) from None
    text = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        branch = context.client.patch(branch_ref(context, name), {"spec": {"expires": text}})
    except ApiError as error:
        raise refusal(error, "nothing was changed") from None
    if output == "text":
        context.view.say(f"Branch {name} now expires at {text}")
    else:
        print_objects(context.view, [branch], output, one=True)

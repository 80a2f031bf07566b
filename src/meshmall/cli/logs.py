"""`meshmall logs`: the log of a pod's container."""

import sys

from mesh.client.errors import ApiError
from mesh.client.rollout import pods_of
from mesh.daemon.failure import Failure
from mesh.resources.core.pod import HINT
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context


def print_logs(
    context: Context,
    target: str,
    *,
    follow: bool,
    tail: int | None,
    container: str | None,
    previous: bool,
    timestamps: bool,
) -> None:
    """Writes the log to stdout as it is. `target` is a pod's name, `pod/NAME` or `deployment/NAME`."""
    pod = _pod(context, target)
    try:
        chunks = context.client.logs(
            context.namespace,
            pod,
            container=container,
            follow=follow,
            tail=tail,
            previous=previous,
            timestamps=timestamps,
        )
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
    except ApiError as error:
        raise Failure(error.message, "list the pods: meshmall get pods") from None
    for hint in _hints(context, pod):
        context.view.hint(hint)


def _hints(context: Context, pod: str) -> list[str]:
    """What the pod's status says about why its containers do not stay up."""
    try:
        body = context.client.get(Ref("", "Pod", context.namespace, pod))
    except ApiError:
        return []
    messages = (
        (status.get("state") or {}).get("waiting", {}).get("message", "")
        for status in (body.get("status") or {}).get("containerStatuses", ())
    )
    lines = (line.removeprefix(HINT) for message in messages for line in message.splitlines() if line.startswith(HINT))
    return list(dict.fromkeys(lines))


def _pod(context: Context, target: str) -> str:
    kind, _, name = target.rpartition("/")
    if kind in ("", "pod", "pods", "po"):
        return name
    if kind not in ("deployment", "deployments", "deploy"):
        raise Failure(f"{target}: only pods have logs", "use a pod's name, or deployment/NAME")
    try:
        pods = pods_of(context.client, Ref("apps", "Deployment", context.namespace, name))
    except ApiError as error:
        raise Failure(error.message) from None
    if not pods:
        raise Failure(f"Deployment {context.namespace}/{name} has no pod")
    return str(pods[0]["metadata"]["name"])

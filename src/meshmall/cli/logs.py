"""`meshmall logs`: the log of a pod's container."""

import sys

from mesh.client.errors import ApiError
from mesh.client.rollout import pods_of
from mesh.daemon.failure import Failure
from mesh.resources.analysis.unready import causes
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.ref import DAEMON_SET, DEPLOYMENT, JOB, REPLICA_SET, STATEFUL_SET, Ref
from meshmall.cli.context import Context

WORKLOADS = tuple(
    definition
    for kind in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET, JOB)
    if (definition := REGISTRY.by_kind(*kind)) is not None
)
"""The kinds that select pods."""


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
    """Writes the log to stdout as it is. `target` is a pod's name, or KIND/NAME of a pod or of what has pods."""
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
        hints = _hints(context, pod)
        raise Failure(error.message, hints[0] if hints else "list the pods: meshmall get pods") from None
    for hint in _hints(context, pod):
        context.view.hint(hint)


def _hints(context: Context, pod: str) -> list[str]:
    """What the pod's status says about why its containers do not stay up."""
    try:
        body = context.client.get(Ref("", "Pod", context.namespace, pod))
    except ApiError:
        return []
    lines = [hint for cause in causes(body) for hint in cause.hints]
    # A probe that fails leaves no trace in the log.
    lines += [f"container {cause.container}: {cause.message}" for cause in causes(body) if cause.reason == "Unhealthy"]
    return list(dict.fromkeys(lines))


def _names(definition: KindDefinition) -> tuple[str, ...]:
    return (definition.singular, definition.plural, *definition.short_names)


def _pod(context: Context, target: str) -> str:
    kind, _, name = target.rpartition("/")
    if kind in ("", "pod", "pods", "po"):
        return name
    workload = next((definition for definition in WORKLOADS if kind in _names(definition)), None)
    if workload is None:
        raise Failure(f"{target}: only pods have logs", "use a pod's name, deployment/NAME or job/NAME")
    try:
        pods = pods_of(context.client, Ref(*workload.group_kind, context.namespace, name))
    except ApiError as error:
        raise Failure(error.message) from None
    if not pods:
        raise Failure(f"{workload.kind} {context.namespace}/{name} has no pod")
    return str(pods[0]["metadata"]["name"])

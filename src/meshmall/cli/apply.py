"""`meshmall apply` and `meshmall delete`: objects in, and what became of each out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context
from meshmall.manifests import read

ACK_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did: a line an object, the Deployments among them, and Envoy's part in milliseconds."""

    results: list[tuple[Ref, str]]
    warnings: list[str]
    milliseconds: float
    deployments: list[Ref] = field(default_factory=list)


def apply_files(context: Context, names: Sequence[str], *, wait: bool, timeout: float, dry_run: bool) -> None:
    """Applies all objects of the files as one change, prints a line for each and Envoy's time."""
    objects = read(names)
    outcome = apply_objects(context, objects, dry_run=dry_run)
    for warning in _grouped(outcome.warnings):
        context.view.warn(warning)
    for ref, result in outcome.results:
        context.view.plain(f"{_line(ref)} {result}{' (dry run)' if dry_run else ''}")
    if dry_run:
        return
    context.view.say(f"[dim]Envoy acknowledged in {outcome.milliseconds:,.0f} ms[/]")
    if wait:
        count = wait_ready(context, outcome.deployments, timeout)
        context.view.say(f"[dim]{count} pods are ready[/]")


def _grouped(warnings: Sequence[str]) -> list[str]:
    """Warnings that say the same of several objects become one line."""
    named: dict[str, list[str]] = {}
    for warning in warnings:
        who, _, what = warning.partition(": ")
        named.setdefault(what, []).append(who)
    return [f"{', '.join(who)}: {what}" for what, who in named.items()]


def apply_objects(context: Context, objects: list[dict[str, Any]], *, dry_run: bool = False) -> Outcome:
    """Applies objects as one change and waits for Envoy.

    Raises Failure when one of them is refused (then nothing is changed), or when Envoy refuses a rule.
    """
    begun = time.perf_counter()
    try:
        answer = context.client.apply(objects, namespace=context.namespace, dry_run=dry_run)
    except ApiError as error:
        raise refusal(error, "nothing was changed") from None
    results = [(result.ref, result.result) for result in answer.results]
    deployments = [ref for ref, _ in results if ref.kind == "Deployment"]
    if not dry_run:
        settle(context, answer.version, [ref for ref, _ in results])
    took = (time.perf_counter() - begun) * 1000
    return Outcome(results, list(answer.warnings), took, deployments)


def delete_files(context: Context, names: Sequence[str], *, wait: bool, timeout: float) -> None:
    """Deletes the objects that the files name, and waits for Envoy and (with `wait`) for their pods."""
    refs = [_named(context, body) for body in read(names)]
    try:
        answer = context.client.delete(refs)
    except ApiError as error:
        raise refusal(error, "nothing was deleted") from None
    for result in answer.results:
        context.view.plain(f"{_line(result.ref)} {result.result}")
    milliseconds = settle(context, answer.version, ())
    context.view.say(f"[dim]Envoy acknowledged in {milliseconds:,.0f} ms[/]")
    if wait:
        gone = [result.ref for result in answer.results if result.ref.kind == "Deployment"]
        _wait_gone(context, gone, timeout)


def wait_ready(context: Context, deployments: Sequence[Ref], timeout: float) -> int:
    """Waits until all replicas of the Deployments are updated and ready; returns how many those are.

    Raises Failure that names the Deployment and why its pods are not ready.
    """
    deadline = time.monotonic() + timeout
    pause = 0.01
    while True:
        bodies = {ref: context.client.get(ref) for ref in deployments}
        waiting = [ref for ref, body in bodies.items() if not _rolled_out(body)]
        if not waiting:
            return sum(body["spec"].get("replicas", 1) for body in bodies.values())
        reasons = [reason for ref in waiting for reason in _why_not_ready(context, ref)]
        if reasons and _hopeless(reasons):
            raise Failure("\n".join(reasons), "more: meshmall get pods; meshmall logs POD")
        if time.monotonic() > deadline:
            named = ", ".join(str(ref) for ref in waiting)
            raise Failure(
                f"not ready within {timeout:g} s: {named}" + "".join(f"\n{reason}" for reason in reasons),
                "more: meshmall get pods; meshmall logs POD",
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


HOPELESS = ("CrashLoopBackOff", "ErrImageNeverPull", "StartError", "CreateContainerError")


def _hopeless(reasons: Sequence[str]) -> bool:
    return any(word in reason for reason in reasons for word in HOPELESS)


def _rolled_out(body: dict[str, Any]) -> bool:
    """As `kubectl rollout status` decides."""
    status = body.get("status") or {}
    wanted = body["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= body["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("availableReplicas", 0) >= wanted
        and status.get("replicas", 0) <= wanted
    )


def _why_not_ready(context: Context, deployment: Ref) -> list[str]:
    """A sentence for each container of the Deployment's pods that waits for a reason of its own."""
    reasons = []
    for pod in pods_of(context, deployment):
        for state in pod.get("status", {}).get("containerStatuses", []):
            waiting = state.get("state", {}).get("waiting", {})
            if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                reasons.append(
                    f"{deployment}: pod {pod['metadata']['name']}, container {state['name']}: "
                    f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
                )
    return reasons


def pods_of(context: Context, deployment: Ref) -> list[dict[str, Any]]:
    """The pods that a Deployment's selector takes, newest first."""
    body = context.client.get(deployment)
    labels = body["spec"]["selector"].get("matchLabels", {})
    selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    pods = context.client.list("", "Pod", deployment.namespace, selector=selector)
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)


def _wait_gone(context: Context, deployments: Sequence[Ref], timeout: float) -> None:
    """Waits until no pod is left that a deleted Deployment had made."""
    deadline = time.monotonic() + timeout
    prefixes = tuple(f"{ref.name}-" for ref in deployments)
    namespaces = {ref.namespace for ref in deployments}
    while deployments:
        pods = [pod for name in namespaces for pod in context.client.list("", "Pod", name)]
        left = [
            pod["metadata"]["name"]
            for pod in pods
            if pod["metadata"].get("deletionTimestamp") and pod["metadata"]["name"].startswith(prefixes)
        ]
        if not left:
            return
        if time.monotonic() > deadline:
            raise Failure(f"these pods have not ended within {timeout:g} s: {', '.join(left)}")
        time.sleep(0.05)


def settle(context: Context, version: int, applied: Sequence[Ref]) -> float:
    """Waits until Envoy has acknowledged this version; returns milliseconds.

    Raises Failure when it refuses one of the objects applied; what it refused before is a warning.
    """
    try:
        answer = context.client.sync(version, timeout=ACK_LIMIT)
    except ApiError as error:
        raise refusal(error, "what was applied is stored, and in force as soon as Envoy takes it") from None
    lines = []
    for rejected in answer.rejected:
        named = ", ".join(map(str, rejected.origins)) or rejected.resource
        line = f"{named}: Envoy refused it: {rejected.reason}"
        if set(applied) & set(rejected.origins):
            lines.append(line)
        else:
            context.view.warn(line)
    if lines:
        raise Failure("\n".join(lines), "the last good rules stay in force; mend the object and apply it again")
    return answer.milliseconds


def _named(context: Context, body: dict[str, Any]) -> Ref:
    metadata = body.get("metadata") or {}
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    if not body.get("kind") or not metadata.get("name"):
        raise Failure("an object to delete needs apiVersion, kind and metadata.name")
    return Ref(group, body["kind"], metadata.get("namespace") or context.namespace, metadata["name"])


def _line(ref: Ref) -> str:
    kind = f"{ref.kind.lower()}.{ref.group}" if ref.group else ref.kind.lower()
    return f"{kind}/{ref.name}"


def refusal(error: ApiError, after: str) -> Failure:
    lines = list(error.causes) or [error.message]
    return Failure("\n".join(lines), after)

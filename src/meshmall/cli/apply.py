"""`meshmall apply`: objects in, and what became of each out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mesh.client import rollout
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context
from meshmall.cli.options import require_output
from meshmall.cli.printing import print_objects
from meshmall.manifests import read

ACK_LIMIT = 30.0
POD_COMMANDS = "see: meshmall get pods; meshmall logs POD"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry per object, the workloads that roll out among them, and Envoy's part in milliseconds."""

    results: list[tuple[Ref, str]]
    warnings: list[str]
    milliseconds: float
    workloads: list[Ref] = field(default_factory=list)


def apply_files(
    context: Context, names: Sequence[str], *, wait: bool, timeout: float, dry_run: bool, output: str = "text"
) -> None:
    """Applies all objects of the files as one change, prints a line for each and Envoy's time."""
    require_output(output, "text", "json", "yaml", "name")
    if output != "text":
        context.view.only_data()
    objects = read(names)
    outcome = apply_objects(context, objects, dry_run=dry_run)
    for warning in grouped(outcome.warnings):
        context.view.warn(warning)
    if output == "text":
        for ref, result in outcome.results:
            context.view.plain(f"{object_line(ref)} {result}{' (dry run)' if dry_run else ''}")
    elif output == "name":
        for ref, _ in outcome.results:
            context.view.plain(object_line(ref))
    elif dry_run:
        print_objects(context.view, objects, output, one=True)
    if dry_run:
        return
    context.view.say(f"[dim]Envoy acknowledged in {outcome.milliseconds:,.0f} ms[/]")
    if wait:
        count = wait_ready(context, outcome.workloads, timeout)
        context.view.say(f"[dim]{pods_are_ready(count)}[/]")
    if output in ("json", "yaml"):
        # As they are now, with what the mesh has added.
        print_objects(context.view, [context.client.get(ref) for ref, _ in outcome.results], output, one=True)


def apply_objects(
    context: Context, objects: list[dict[str, Any]], *, dry_run: bool = False, keep_edits: bool = False
) -> Outcome:
    """Applies objects as one change and waits for Envoy. `keep_edits`: what somebody has changed since stays.

    Raises Failure when one of them is refused (then nothing is changed), or when Envoy refuses a rule.
    """
    begun = time.perf_counter()
    try:
        answer = context.client.apply(objects, namespace=context.namespace, dry_run=dry_run, keep_edits=keep_edits)
    except ApiError as error:
        raise refusal(error, "nothing was changed") from None
    results = [(result.ref, result.result) for result in answer.results]
    workloads = [ref for ref, _ in results if ref.group_kind in rollout.WORKLOADS]
    if not dry_run:
        settle(context, answer.version, [ref for ref, _ in results])
    took = (time.perf_counter() - begun) * 1000
    return Outcome(results, list(answer.warnings), took, workloads)


def wait_ready(context: Context, workloads: Sequence[Ref], timeout: float) -> int:
    """Waits until the workloads are ready; returns the number of pods. Raises Failure with what keeps them."""
    try:
        return rollout.wait_ready(context.client, workloads, timeout)
    except rollout.NotReady as error:
        raise Failure(error.message, POD_COMMANDS) from None


def pods_are_ready(count: int) -> str:
    return "1 pod is ready" if count == 1 else f"{count} pods are ready"


def settle(context: Context, version: int, applied: Sequence[Ref]) -> float:
    """Waits until Envoy has acknowledged this version of the store; returns milliseconds.

    Raises Failure when Envoy refuses one of the objects applied; what it refused earlier is only a warning.
    """
    try:
        answer = context.client.sync(version, timeout=ACK_LIMIT)
    except ApiError as error:
        raise refusal(error, "the change is stored, and takes effect as soon as Envoy accepts it") from None
    lines = []
    for rejected in answer.rejected:
        names = ", ".join(map(str, rejected.origins)) or rejected.resource
        line = f"{names}: Envoy refused it: {rejected.reason}"
        if set(applied) & set(rejected.origins):
            lines.append(line)
        else:
            context.view.warn(line)
    if lines:
        raise Failure("\n".join(lines), "the last good rules stay in force; correct the object and apply it again")
    return answer.milliseconds


def object_line(ref: Ref) -> str:
    """An object as kubectl names it: `deployment.apps/mall-v1`."""
    kind = f"{ref.kind.lower()}.{ref.group}" if ref.group else ref.kind.lower()
    return f"{kind}/{ref.name}"


def refusal(error: ApiError, after: str) -> Failure:
    """The API's refusal as a command's failure: a line for each cause, and `after`, the state it leaves."""
    lines = list(error.causes) or [error.message]
    return Failure("\n".join(lines), after)


def grouped(warnings: Sequence[str]) -> list[str]:
    """Merges warnings with the same text about several objects into one line."""
    objects: dict[str, list[str]] = {}
    for warning in warnings:
        name, _, text = warning.partition(": ")
        objects.setdefault(text, []).append(name)
    return [f"{', '.join(names)}: {text}" for text, names in objects.items()]

"""`meshmall analyze`: finds problems in manifests, or in the mesh, without changing anything."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.analysis.analysis import Message, analyze
from mesh.resources.analysis.finding import NUMBERS
from mesh.resources.core.daemon_set import DaemonSet
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.manifest import validate
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError, Invalid
from mesh.resources.values.ref import Ref
from mesh.routing.gateway_api.status import statuses
from mesh.routing.world import MeshSettings, World
from meshmall.cli.apply import grouped
from meshmall.cli.context import Context
from meshmall.cli.options import require_output
from meshmall.manifests import read

# What has pods: Services and subsets are compared with their labels.
WORKLOADS: tuple[type[Resource], ...] = (Deployment, StatefulSet, DaemonSet)


def analyze_files(context: Context, names: Sequence[str], *, alone: bool, output: str) -> None:
    """Prints all messages; exit code 1 if one is an error. Raises Failure when nothing can be read.

    Files are analyzed together with the objects of the running mesh, unless `alone`.
    """
    require_output(output, "text", "json")
    given, messages, warnings = _given(context, names) if names else ({}, [], [])
    in_mesh = {} if alone and names else _in_mesh(context, required=not names)
    everything = {**in_mesh, **given}
    analyzed = given.keys() if names else everything.keys()
    messages += analyze(everything.values(), analyzed)
    messages += [message for message in _attachments(everything.values()) if message.error.ref in analyzed]
    if output == "json":
        context.view.plain(json.dumps([_json(message) for message in messages], indent=2))
    else:
        for message in messages:
            context.view.plain(str(message))
        for text in grouped(warnings):
            context.view.plain(f"warning: {text}")
        if not messages and not warnings:
            count = len(given) or len(in_mesh)
            context.view.plain(f"no problems found in {count} {'object' if count == 1 else 'objects'}")
    if any(message.severity == "error" for message in messages):
        raise SystemExit(1)


def _given(context: Context, names: Sequence[str]) -> tuple[dict[Ref, Resource], list[Message], list[str]]:
    """The objects of the files, and the problems of each by itself."""
    objects: dict[Ref, Resource] = {}
    messages: list[Message] = []
    warnings: list[str] = []
    for body in read(names):
        try:
            valid = validate(body, context.namespace)
        except Invalid as error:
            messages += [Message("error", "SchemaValidationError", problem) for problem in error.errors]
            continue
        if valid.definition.type is not Untyped:
            objects[valid.ref] = valid.typed
        warnings += [text for text in valid.warnings if "no effect" in text]
    return objects, messages, warnings


def _in_mesh(context: Context, *, required: bool) -> dict[Ref, Resource]:
    """The objects of the running mesh that analysis needs; {} when no mesh runs and none is `required`."""
    objects: dict[Ref, Resource] = {}
    try:
        for definition in (*REGISTRY.routing_kinds(), *map(REGISTRY.by_type, WORKLOADS)):
            # Pods are what the mesh makes of Deployments: they say nothing that the Deployment does not.
            if definition.made_by == "mesh":
                continue
            for body in context.client.list(definition.group, definition.kind, None):
                typed: Resource = msgspec.convert(body, definition.type)
                objects[ref_of(typed)] = typed
    except (ApiError, Failure):
        if required:
            raise
    return objects


def _attachments(objects: Iterable[Resource]) -> Iterator[Message]:
    """What the status of Gateway API objects would report: routes that are not attached, conflicting listeners,
    missing backends and certificates."""
    for ref, status in statuses(World.build(0, objects), MeshSettings(), {}):
        reported = set()
        for name, items in (("listeners", status.get("listeners", ())), ("parentRefs", status.get("parents", ()))):
            for number, item in enumerate(items):
                for condition in item["conditions"]:
                    conflict = condition["type"] == "Conflicted"
                    if condition["type"] == "Programmed" or (condition["status"] == "True") is not conflict:
                        continue
                    # A problem with a route's backend is reported once, not for each of the route's parents.
                    path = "" if condition["message"].startswith("spec.") else f"spec.{name}[{number}]"
                    if (path, condition["message"]) not in reported:
                        reported.add((path, condition["message"]))
                        error = FieldError(path, condition["message"], ref)
                        yield Message("warning" if conflict else "error", condition["reason"], error)


def _json(message: Message) -> dict[str, Any]:
    error: FieldError = message.error
    ref = error.ref._asdict() if error.ref is not None else None
    return {
        "severity": message.severity,
        "code": message.code,
        "istio": NUMBERS.get(message.code, ""),
        "object": ref,
        "path": error.path,
        "message": error.message,
    }

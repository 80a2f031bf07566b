"""`meshmall analyze`: what is wrong with manifests, or with what the mesh has, without changing anything."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.analysis.analysis import LOOKED_AT, Message, analyze
from mesh.resources.analysis.references import ref_of
from mesh.resources.core.config import Namespace
from mesh.resources.custom.untyped import Untyped
from mesh.resources.gateway_api.types import Gateway, GatewayClass, GRPCRoute, HTTPRoute, ReferenceGrant
from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.manifest import validate
from mesh.resources.values.meta import Resource
from mesh.resources.values.problems import FieldError, Invalid
from mesh.resources.values.ref import Ref
from mesh.routing.gateway_api.status import statuses
from mesh.routing.world import MeshSettings, World
from meshmall.cli.context import Context
from meshmall.manifests import read

OF_GATEWAY_API = (GatewayClass, Gateway, HTTPRoute, GRPCRoute, ReferenceGrant, Namespace)


def analyze_files(context: Context, names: Sequence[str], *, alone: bool, output: str) -> None:
    """Prints all messages; exit code 1 when one is an error. Raises Failure when nothing can be read.

    Files are looked at among what the mesh has, when one runs and `alone` is not asked for.
    """
    if output not in ("text", "json"):
        raise Failure(f"-o {output}: known are text, json", code=2)
    given, messages, warnings = _given(context, names) if names else ({}, [], [])
    there = {} if alone and names else _there(context, needed=not names)
    everything = {**there, **given}
    about = given.keys() if names else everything.keys()
    messages += analyze(everything.values(), about)
    messages += [each for each in _attached(everything.values()) if each.error.ref in about]
    if output == "json":
        context.view.plain(json.dumps([_json(each) for each in messages], indent=2))
    else:
        for each in messages:
            context.view.plain(str(each))
        for text in warnings:
            context.view.plain(f"warning: {text}")
        if not messages and not warnings:
            looked = len(given) or len(there)
            context.view.plain(f"nothing found in {looked} {'object' if looked == 1 else 'objects'}")
    if any(each.severity == "error" for each in messages):
        raise SystemExit(1)


def _given(context: Context, names: Sequence[str]) -> tuple[dict[Ref, Resource], list[Message], list[str]]:
    """The objects of the files, and what is wrong with each alone."""
    found: dict[Ref, Resource] = {}
    messages: list[Message] = []
    warnings: list[str] = []
    for body in read(names):
        try:
            valid = validate(body, context.namespace)
        except Invalid as error:
            messages += [Message("error", "SchemaValidationError", each) for each in error.errors]
            continue
        if valid.info.type is not Untyped:
            found[valid.ref] = valid.typed
        warnings += [text for text in valid.warnings if "no effect" in text]
    return found, messages, warnings


def _there(context: Context, *, needed: bool) -> dict[Ref, Resource]:
    """What the running mesh has of the kinds that are looked at; nothing when none runs."""
    found: dict[Ref, Resource] = {}
    try:
        for kind in (*LOOKED_AT, *OF_GATEWAY_API):
            info = REGISTRY.by_type(kind)
            for body in context.client.list(info.group, info.kind, None):
                typed: Resource = msgspec.convert(body, kind)
                found[ref_of(typed)] = typed
    except (ApiError, Failure):
        if needed:
            raise
    return found


def _attached(objects: Iterable[Resource]) -> Iterator[Message]:
    """What the status of the Gateway API's objects would say: routes that are not attached, listeners in conflict,
    backends and certificates that are not there."""
    for ref, status in statuses(World.build(0, objects), MeshSettings(), {}):
        told = set()
        for name, items in (("listeners", status.get("listeners", ())), ("parentRefs", status.get("parents", ()))):
            for number, item in enumerate(items):
                for each in item["conditions"]:
                    conflict = each["type"] == "Conflicted"
                    if each["type"] == "Programmed" or (each["status"] == "True") is not conflict:
                        continue
                    # What a route's backends lack is said once, not for each of its parents.
                    path = "" if each["message"].startswith("spec.") else f"spec.{name}[{number}]"
                    if (path, each["message"]) not in told:
                        told.add((path, each["message"]))
                        error = FieldError(path, each["message"], ref)
                        yield Message("warning" if conflict else "error", each["reason"], error)


def _json(message: Message) -> dict[str, Any]:
    error: FieldError = message.error
    ref = error.ref._asdict() if error.ref is not None else None
    return {
        "severity": message.severity,
        "code": message.code,
        "object": ref,
        "path": error.path,
        "message": error.message,
    }

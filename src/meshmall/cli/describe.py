"""`meshmall describe`: everything about one object that explains what it does: spec, conditions, events."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.columns.column import since
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context
from meshmall.cli.kinds import refs_named
from meshmall.cli.options import require_output
from meshmall.cli.printing import print_body

MOST_EVENTS = 20


def describe(context: Context, words: list[str], output: str = "text") -> None:
    """Prints objects one after the other. Raises Failure when one of them does not exist."""
    require_output(output, "text", "json", "yaml")
    refs = refs_named(context, words, "meshmall describe KIND NAME or KIND/NAME")
    try:
        bodies = [context.client.get(ref) for ref in refs]
        events = {ref: _events(context, ref) for ref in refs}
    except ApiError as error:
        raise Failure(error.message) from None
    if output != "text":
        described = [{"object": body, "events": events[ref]} for ref, body in zip(refs, bodies, strict=True)]
        print_body(context.view, described, output)
        return
    for number, (ref, body) in enumerate(zip(refs, bodies, strict=True)):
        if number:
            context.view.plain("")
        _print(context, body, events[ref])


def _print(context: Context, body: Body, events: Sequence[Body]) -> None:
    view, metadata = context.view, body["metadata"]
    owners = [f"{owner['kind']} {owner['name']}" for owner in metadata.get("ownerReferences", ())]
    lines = {
        "name": metadata["name"],
        "kind": f"{body['kind']} ({body['apiVersion']})",
        "namespace": metadata.get("namespace", ""),
        "created": f"{metadata.get('creationTimestamp', '')}, {since(metadata.get('creationTimestamp'))} ago",
        "owner": ", ".join(owners),
        "labels": _pairs(metadata.get("labels")),
        "deleted": metadata.get("deletionTimestamp", ""),
    }
    width = max(map(len, lines)) + 2
    for name, value in lines.items():
        if value:
            view.plain(f"{name:<{width}}{value}")
    rest = {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    if rest:
        view.plain("\n" + yaml.safe_dump(rest, sort_keys=False).rstrip())
    status = body.get("status") or {}
    states = [row for name in ("initContainerStatuses", "containerStatuses") for row in status.get(name) or ()]
    if states:
        view.plain("")
        view.columns(["CONTAINER", "STATE", "RESTARTS", "WHY"], [_container(state) for state in states])
    if conditions := status.get("conditions"):
        view.plain("")
        rows = [[row["type"], row["status"], row.get("reason", ""), row.get("message", "")] for row in conditions]
        view.columns(["CONDITION", "STATUS", "REASON", "MESSAGE"], rows)
    view.plain("")
    if events:
        view.columns(["LAST SEEN", "TYPE", "REASON", "TIMES", "MESSAGE"], [_event(event) for event in events])
    else:
        view.plain("no events")


def _pairs(labels: Mapping[str, str] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (labels or {}).items())


def _container(state: Body) -> list[str]:
    ((name, details),) = (state.get("state") or {"waiting": {}}).items()
    before = (state.get("lastState") or {}).get("terminated") or {}
    why = [details.get("reason", ""), details.get("message", "")]
    if before:
        why.append(f"before: {before.get('reason', '')} with exit code {before.get('exitCode', '?')}")
    return [state["name"], name, str(state.get("restartCount", 0)), "; ".join(filter(None, why))]


def _events(context: Context, ref: Ref) -> list[Body]:
    """The newest events about an object, in the order in which they were last seen."""
    namespace = ref.namespace or "default"
    about: list[Body] = [
        event
        for event in context.client.list("", "Event", namespace)
        if event["involvedObject"].get("kind") == ref.kind and event["involvedObject"].get("name") == ref.name
    ]
    about.sort(key=lambda event: str(event.get("lastTimestamp") or event["metadata"].get("creationTimestamp")))
    return about[-MOST_EVENTS:]


def _event(event: Mapping[str, Any]) -> list[str]:
    seen = event.get("lastTimestamp") or event["metadata"].get("creationTimestamp")
    message = " ".join(str(event.get("message", "")).split())
    return [since(seen), event.get("type", ""), event.get("reason", ""), str(event.get("count", 1)), message]

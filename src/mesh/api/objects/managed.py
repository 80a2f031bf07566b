"""Who owns which field: metadata.managedFields and server-side apply, as Kubernetes documents them.

A field's place is a path of FieldsV1's own keys (`f:data`, `k:{"name":"main"}`, `v:"x"`, `.` for a list's member
itself). Lists merge by the keys that the strategic merge uses; all others belong to one manager as a whole. Pure.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mesh.api.objects.merging import SETS, ListKey
from mesh.api.transport.status_errors import Problem
from mesh.resources.values.body import Body

Path = tuple[str, ...]
MISSING = object()
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Of the metadata, what a manager can own.
OWNED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
BEFORE = "before-first-apply"


class Owner(NamedTuple):
    """One entry of managedFields: who, by which operation (Apply or Update), of which subresource, and what."""

    manager: str
    operation: str
    subresource: str
    fields: frozenset[Path]
    api_version: str
    time: str


class Applied(NamedTuple):
    """What an apply makes of an object: the body, and who owns what then."""

    body: Body
    owners: tuple[Owner, ...]


def leaves(body: Mapping[str, Any], key_of: ListKey, *, annotation: bool = False) -> frozenset[Path]:
    """The fields that an object sets, less what identifies it, and its status.

    `annotation`: also the one by which kubectl's own apply remembers. kubectl looks for its owner there.
    """
    found: list[Path] = []
    for name, value in body.items():
        if name == "metadata" and isinstance(value, dict):
            kept = {key: each for key, each in value.items() if key in OWNED_METADATA}
            if isinstance(annotations := kept.get("annotations"), dict) and not annotation:
                kept["annotations"] = {k: v for k, v in annotations.items() if k != LAST_APPLIED}
            for key, each in kept.items():
                if each not in (None, {}, []):
                    found += _leaves(each, key_of, ("f:metadata", f"f:{key}"), key)
        elif name not in ("apiVersion", "kind", "status"):
            found += _leaves(value, key_of, (f"f:{name}",), name)
    return frozenset(found)


def _leaves(value: Any, key_of: ListKey, path: Path, name: str) -> Iterator[Path]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(each, key_of, (*path, f"f:{key}"), key)
        return
    if isinstance(value, list) and value:
        key = key_of(name)
        if key and all(isinstance(each, dict) and key in each for each in value):
            for each in value:
                member = (*path, _member(key, each))
                yield (*member, ".")
                for inner, held in each.items():
                    yield from _leaves(held, key_of, (*member, f"f:{inner}"), inner)
            return
        if name in SETS:
            yield from ((*path, f"v:{json.dumps(each)}") for each in value)
            return
    yield path


def _member(key: str, each: Mapping[str, Any]) -> str:
    return "k:" + json.dumps({key: each[key]}, separators=(",", ":"))


def value_at(body: Any, path: Path) -> Any:
    """What stands at a path; MISSING when nothing does."""
    for part in path:
        if part == ".":
            continue
        body = _step(body, part)
        if body is MISSING:
            return MISSING
    return body


def _step(body: Any, part: str) -> Any:
    kind, _, rest = part.partition(":")
    if kind == "f":
        return body.get(rest, MISSING) if isinstance(body, dict) else MISSING
    if not isinstance(body, list):
        return MISSING
    wanted = json.loads(rest)
    if kind == "v":
        return wanted if wanted in body else MISSING
    return next((each for each in body if isinstance(each, dict) and wanted.items() <= each.items()), MISSING)


def dotted(path: Path) -> str:
    """A path as kubectl prints it: `.spec.containers[name="main"].image`."""
    text = ""
    for part in path:
        kind, _, rest = part.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items()) + "]"
        elif kind == "v":
            text += f"[={rest}]"
    return text


def owners_of(body: Mapping[str, Any]) -> tuple[Owner, ...]:
    """The managedFields of an object; what is malformed is left out."""
    found = []
    for entry in body["metadata"].get("managedFields") or ():
        fields = frozenset(_paths(entry.get("fieldsV1") or {}, ()))
        found.append(
            Owner(
                entry.get("manager", ""),
                entry.get("operation", "Update"),
                entry.get("subresource", ""),
                fields,
                entry.get("apiVersion", ""),
                entry.get("time", ""),
            )
        )
    return tuple(found)


def _paths(tree: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for part, inner in tree.items():
        if inner:
            yield from _paths(inner, (*path, part))
        else:
            yield (*path, part)


def as_managed_fields(owners: Iterable[Owner]) -> list[Body]:
    """Owners as metadata.managedFields has them."""
    found = []
    for owner in owners:
        tree: Body = {}
        for path in sorted(owner.fields):
            at = tree
            for part in path:
                at = at.setdefault(part, {})
        entry: Body = {
            "manager": owner.manager,
            "operation": owner.operation,
            "apiVersion": owner.api_version,
            "time": owner.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": tree,
        }
        if owner.subresource:
            entry["subresource"] = owner.subresource
        found.append(entry)
    return found


def updated(
    old: Body | None, new: Body, manager: str, now: str, key_of: ListKey, subresource: str = ""
) -> tuple[Owner, ...]:
    """Who owns what after a write that is no apply: the writer owns what it changed, others lose it."""
    fields = leaves(new, key_of, annotation=True)
    if old is None:
        return (Owner(manager, "Update", subresource, fields, new["apiVersion"], now),)
    changed = frozenset(path for path in fields if value_at(old, path) != value_at(new, path))
    found = []
    mine = Owner(manager, "Update", subresource, frozenset(), new["apiVersion"], now)
    for owner in owners_of(old):
        kept = frozenset(path for path in owner.fields if value_at(new, path) is not MISSING)
        if (owner.manager, owner.operation, owner.subresource) == mine[:3]:
            mine = owner._replace(fields=kept)
        elif kept := kept - changed:
            found.append(owner._replace(fields=kept))
    both = mine.fields | changed
    if both:
        found.append(mine._replace(fields=both, time=now if changed - mine.fields else mine.time))
    return tuple(found)


def apply(live: Body | None, given: Body, manager: str, now: str, key_of: ListKey, *, force: bool) -> Applied:
    """Server-side apply: `given` says all that the manager wants to own.

    Fields that it applied before and does not say any more go, unless somebody else owns them too. Raises Problem
    (409) with a cause for each field that another manager owns and that has another value, unless `force`.
    """
    fields = leaves(given, key_of)
    mine = Owner(manager, "Apply", "", fields, given["apiVersion"], now)
    if live is None:
        return Applied(given, (mine,))
    owners = owners_of(live) or _before(live, manager, now, key_of)
    former = next((each for each in owners if each[:3] == mine[:3]), None)
    others = [each for each in owners if each[:3] != mine[:3]]
    own = _last_applied(live, manager, key_of)
    conflicts = [
        (owner, path)
        for owner in others
        for path in sorted(fields & owner.fields)
        if path[-1] != "." and value_at(live, path) != value_at(given, path)
    ]
    # What kubectl applied itself before it left applying to the server is its own.
    foreign = [(owner, path) for owner, path in conflicts if path not in own]
    if foreign and not force:
        raise _conflict(foreign)
    taken = {path for _, path in conflicts}
    others = [each._replace(fields=each.fields - taken) for each in others]
    others = [each for each in others if each.fields]
    body = json.loads(json.dumps(live))
    if former is not None:
        held = frozenset().union(*(each.fields for each in others))
        # Members of lists first, as a whole: without its key a member is not found any more.
        for path in sorted(former.fields - fields - held, key=lambda each: (each[-1] != ".", -len(each), each)):
            if path[-1] != "." or not any(other[: len(path) - 1] == path[:-1] for other in held | fields):
                _remove(body, path)
    if former is not None and former.fields == fields:
        mine = mine._replace(time=former.time)
    return Applied(_merged(body, given, key_of, ""), (*others, mine))


def _last_applied(live: Body, manager: str, key_of: ListKey) -> frozenset[Path]:
    """What kubectl's own apply has written, by its annotation; nothing for another manager."""
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if not text or manager != "kubectl":
        return frozenset()
    try:
        return leaves(json.loads(text), key_of)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return frozenset()


def _before(live: Body, manager: str, now: str, key_of: ListKey) -> tuple[Owner, ...]:
    """Who owns an object that was never applied by the server: what kubectl applied itself is kubectl's."""
    fields = leaves(live, key_of)
    applied = _last_applied(live, manager, key_of) & fields
    found = (
        Owner(BEFORE, "Update", "", fields - applied, live["apiVersion"], now),
        Owner(manager, "Apply", "", applied, live["apiVersion"], now),
    )
    return tuple(each for each in found if each.fields)


def _conflict(conflicts: Sequence[tuple[Owner, Path]]) -> Problem:
    causes = []
    for owner, path in conflicts:
        using = f" using {owner.api_version}" + (f" at {owner.time}" if owner.operation == "Update" else "")
        message = f'conflict with "{owner.manager}"{using}'
        causes.append({"reason": "FieldManagerConflict", "message": message, "field": dotted(path)})
    count = f"{len(causes)} conflict{'s' if len(causes) > 1 else ''}"
    if len(causes) == 1:
        told = f"{causes[0]['message']}: {causes[0]['field']}"
    else:
        told = "conflicts:\n" + "\n".join(f"- {each['message']}: {each['field']}" for each in causes)
    return Problem(409, f"Apply failed with {count}: {told}", reason="Conflict", causes=causes)


def _remove(body: Any, path: Path) -> None:
    """Takes away what stands at a path, and what holds nothing any more without it."""
    *way, last = [part for part in path if part != "."]
    holders = [body]
    for part in way:
        body = _step(body, part)
        if body is MISSING:
            return
        holders.append(body)
    for held, part in zip(reversed(holders), [last, *reversed(way)], strict=True):
        value = _step(held, part)
        if value is MISSING or (part is not last and value not in ({}, [])):
            return
        if isinstance(held, dict):
            del held[part.partition(":")[2]]
        else:
            held.remove(value)
        if part.startswith("k:"):
            return


def _merged(live: Any, given: Any, key_of: ListKey, name: str) -> Any:
    """What is given over what is there."""
    if isinstance(given, dict) and isinstance(live, dict):
        return {**live, **{key: _merged(live.get(key), each, key_of, key) for key, each in given.items()}}
    if isinstance(given, list) and isinstance(live, list):
        key = key_of(name)
        if key and all(isinstance(each, dict) and key in each for each in (*given, *live)):
            by_key = {each[key]: each for each in live}
            merged = {each[key]: _merged(by_key.get(each[key]), each, key_of, "") for each in given}
            return [merged.pop(each[key], each) for each in live] + list(merged.values())
        if name in SETS:
            return live + [each for each in given if each not in live]
    return given

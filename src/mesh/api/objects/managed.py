"""Who owns which field: metadata.managedFields and server-side apply, as Kubernetes documents them.

A field is identified by a path of FieldsV1's keys (`f:data`, `k:{"name":"main"}`, `v:"x"`, `.` for a list's member
itself). Lists merge by the keys of the strategic merge; other lists have one owner for all their members. Pure.
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
# The parts of metadata that a manager can own.
OWNED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
BEFORE = "before-first-apply"
# Maps of which a manager owns the entries, and whoever has made it the map itself.
MAPS = frozenset({"data", "binaryData", "stringData", "labels", "annotations"})
# Maps that have one owner as a whole (x-kubernetes-map-type: atomic), in kinds with pods.
ATOMIC = frozenset(
    {
        *("selector", "nodeSelector", "labelSelector", "namespaceSelector", "podSelector"),
        *("configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef"),
    }
)
# A port is one number of one protocol.
OF_PORTS = frozenset({"port", "containerPort"})
TCP = "TCP"


class Owner(NamedTuple):
    """One entry of managedFields: who, by which operation (Apply or Update), of which subresource, and what."""

    manager: str
    operation: str
    subresource: str
    fields: frozenset[Path]
    api_version: str
    time: str


class Applied(NamedTuple):
    """The result of an apply: the object's body, and who owns what."""

    body: Body
    owners: tuple[Owner, ...]


def leaves(body: Mapping[str, Any], key_of: ListKey, *, annotation: bool = False) -> frozenset[Path]:
    """The fields that an object sets, except those that identify it, and its status.

    `annotation` includes the annotation that kubectl's client-side apply writes: kubectl looks up its owner.
    """
    paths: list[Path] = []
    for name, value in body.items():
        if name == "metadata" and isinstance(value, dict):
            metadata = {key: field for key, field in value.items() if key in OWNED_METADATA}
            if isinstance(annotations := metadata.get("annotations"), dict) and not annotation:
                metadata["annotations"] = {k: v for k, v in annotations.items() if k != LAST_APPLIED}
            for key, field in metadata.items():
                if field not in (None, {}, []):
                    paths += _leaves(field, key_of, ("f:metadata", f"f:{key}"), key)
        elif name not in ("apiVersion", "kind", "status"):
            paths += _leaves(value, key_of, (f"f:{name}",), name)
    if annotation:
        paths += [(*path[:-1], ".") for path in paths if len(path) > 1 and path[-2].removeprefix("f:") in MAPS]
    return frozenset(paths)


def _leaves(value: Any, key_of: ListKey, path: Path, name: str) -> Iterator[Path]:
    if isinstance(value, dict) and value and not _is_atomic(name, key_of):
        for key, field in value.items():
            yield from _leaves(field, key_of, (*path, f"f:{key}"), key)
        return
    if isinstance(value, list) and value:
        key = key_of(name)
        if key and all(isinstance(item, dict) and key in item for item in value):
            for item in value:
                member = (*path, _member(key, item))
                yield (*member, ".")
                for inner, field in item.items():
                    yield from _leaves(field, key_of, (*member, f"f:{inner}"), inner)
            return
        if name in SETS:
            yield from ((*path, f"v:{json.dumps(item)}") for item in value)
            return
    yield path


def _is_atomic(name: str, key_of: ListKey) -> bool:
    return name in ATOMIC and key_of("containers") is not None


def _member(key: str, item: Mapping[str, Any]) -> str:
    identity = {key: item[key], "protocol": item.get("protocol", TCP)} if key in OF_PORTS else {key: item[key]}
    return "k:" + json.dumps(identity, separators=(",", ":"))


def _is_member(identity: Mapping[str, Any], item: Any) -> bool:
    """Whether a list's member has these keys; a protocol that it leaves out is TCP."""
    if not isinstance(item, dict):
        return False
    return all(item.get(key, TCP if key == "protocol" else MISSING) == value for key, value in identity.items())


def value_at(body: Any, path: Path) -> Any:
    """The value at a path; MISSING when there is none."""
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
    try:
        value = json.loads(rest)
    except (ValueError, RecursionError):
        # Clients write managedFields, too: a part that is none names nothing.
        return MISSING
    if kind == "v":
        return value if value in body else MISSING
    if not isinstance(value, dict):
        return MISSING
    return next((item for item in body if _is_member(value, item)), MISSING)


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
    """The managedFields of an object. Raises TypeError, AttributeError or KeyError when they are malformed."""
    owners = []
    for entry in body["metadata"].get("managedFields") or ():
        fields = frozenset(_paths(entry.get("fieldsV1") or {}, ()))
        owners.append(
            Owner(
                entry.get("manager", ""),
                entry.get("operation", "Update"),
                entry.get("subresource", ""),
                fields,
                entry.get("apiVersion", ""),
                entry.get("time", ""),
            )
        )
    return tuple(owners)


def _paths(tree: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for part, inner in tree.items():
        if inner:
            yield from _paths(inner, (*path, part))
        else:
            yield (*path, part)


def as_managed_fields(owners: Iterable[Owner]) -> list[Body]:
    """Owners in the form of metadata.managedFields."""
    entries = []
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
            "fieldsV1": _shortened(tree),
        }
        if owner.subresource:
            entry["subresource"] = owner.subresource
        entries.append(entry)
    return entries


def _shortened(tree: Body) -> Body:
    """The tree without a `.` that is alone in a map: the field's name already says that the map itself is owned."""
    return {
        part: {} if part.startswith("f:") and set(inner) == {"."} else _shortened(inner) for part, inner in tree.items()
    }


def updated(
    old: Body | None, new: Body, manager: str, now: str, key_of: ListKey, subresource: str = ""
) -> tuple[Owner, ...]:
    """Who owns what after a write that is not an apply: the writer owns what it changed, others lose it."""
    fields = leaves(new, key_of, annotation=True)
    if old is None:
        return (Owner(manager, "Update", subresource, fields, new["apiVersion"], now),)
    changed = frozenset(path for path in fields if _is_new(path, old, new))
    owners = []
    writer = Owner(manager, "Update", subresource, frozenset(), new["apiVersion"], now)
    for owner in owners_of(old):
        present = frozenset(path for path in owner.fields if value_at(new, path) is not MISSING)
        if (owner.manager, owner.operation, owner.subresource) == writer[:3]:
            writer = owner._replace(fields=present)
        elif unchanged := present - changed:
            owners.append(owner._replace(fields=unchanged))
    owned = writer.fields | changed
    if owned:
        owners.append(writer._replace(fields=owned, time=now if changed - writer.fields else writer.time))
    return tuple(owners)


def _is_new(path: Path, old: Body, new: Body) -> bool:
    before = value_at(old, path)
    # What a map or a member contains has owners of its own.
    return before is MISSING or (path[-1] != "." and before != value_at(new, path))


def apply(
    live: Body | None, applied: Body, manager: str, now: str, key_of: ListKey, *, force: bool, subresource: str = ""
) -> Applied:
    """Server-side apply: `applied` has everything that the manager wants to own.

    Fields that it applied before and that `applied` no longer has are removed, unless another manager owns them, too.
    Raises Problem (409) with a cause for each field that another manager owns and that has another value, unless
    `force`.
    """
    if subresource:
        fields = frozenset(_leaves(applied.get(subresource) or {}, key_of, (f"f:{subresource}",), subresource))
        applied = {subresource: applied.get(subresource) or {}, "apiVersion": applied["apiVersion"]}
    else:
        fields = leaves(applied, key_of)
    applier = Owner(manager, "Apply", subresource, fields, applied["apiVersion"], now)
    if live is None:
        return Applied(applied, (applier,))
    owners = owners_of(live) or _owners_before_apply(live, manager, now, key_of)
    former = next((owner for owner in owners if owner[:3] == applier[:3]), None)
    others = [owner for owner in owners if owner[:3] != applier[:3]]
    conflicts = [
        (owner, path)
        for owner in others
        for path in sorted(fields & owner.fields)
        if path[-1] != "." and value_at(live, path) != value_at(applied, path)
    ]
    # kubectl may take over what it wrote itself by client-side apply, before it moved to server-side apply.
    own_before = _last_applied(live, manager, key_of)
    foreign = [(owner, path) for owner, path in conflicts if path not in own_before]
    if foreign and not force:
        raise _conflict(foreign)
    taken = {path for _, path in conflicts}
    others = [owner._replace(fields=owner.fields - taken) for owner in others]
    others = [owner for owner in others if owner.fields]
    body = json.loads(json.dumps(live))
    if former is not None:
        owned_by_others = frozenset().union(*(owner.fields for owner in others))
        # Members of lists first, entirely: without its key, a member is no longer found.
        dropped = {path for path in former.fields - fields - owned_by_others if not _is_within(path, fields)}
        for path in sorted(dropped, key=lambda path: (path[-1] != ".", -len(path), path)):
            if path[-1] != "." or not any(other[: len(path) - 1] == path[:-1] for other in owned_by_others | fields):
                _remove(body, path)
    if former is not None and former.fields == fields:
        applier = applier._replace(time=former.time)
    # Who applies nothing owns nothing.
    return Applied(_merged(body, applied, key_of, ""), (*others, applier) if fields else tuple(others))


def _is_within(path: Path, fields: frozenset[Path]) -> bool:
    """Whether a path lies in a map that has an owner as a whole."""
    places = [place for place, part in enumerate(path[:-1], 1) if part.removeprefix("f:") in ATOMIC]
    return any(path[:place] in fields for place in places)


def _last_applied(live: Body, manager: str, key_of: ListKey) -> frozenset[Path]:
    """What kubectl's own apply has written, by its annotation; nothing for another manager."""
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if not text or manager != "kubectl":
        return frozenset()
    try:
        return leaves(json.loads(text), key_of)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return frozenset()


def _owners_before_apply(live: Body, manager: str, now: str, key_of: ListKey) -> tuple[Owner, ...]:
    """The owners of an object without managedFields: what kubectl applied itself is kubectl's."""
    fields = leaves(live, key_of)
    applied = _last_applied(live, manager, key_of) & fields
    owners = (
        Owner(BEFORE, "Update", "", fields - applied, live["apiVersion"], now),
        Owner(manager, "Apply", "", applied, live["apiVersion"], now),
    )
    return tuple(owner for owner in owners if owner.fields)


def _conflict(conflicts: Sequence[tuple[Owner, Path]]) -> Problem:
    causes = []
    for owner, path in conflicts:
        using = f" using {owner.api_version}" if owner.operation == "Update" else ""
        message = f'conflict with "{owner.manager}"{using}'
        causes.append({"reason": "FieldManagerConflict", "message": message, "field": dotted(path)})
    count = f"{len(causes)} conflict{'s' if len(causes) > 1 else ''}"
    if len(causes) == 1:
        text = f"{causes[0]['message']}: {causes[0]['field']}"
    else:
        text = "conflicts:\n" + "\n".join(f"- {cause['message']}: {cause['field']}" for cause in causes)
    return Problem(409, f"Apply failed with {count}: {text}", reason="Conflict", causes=causes)


def _remove(body: Any, path: Path) -> None:
    """Removes the value at a path, and containers that are empty without it."""
    *parents, last = [part for part in path if part != "."]
    containers = [body]
    for part in parents:
        body = _step(body, part)
        if body is MISSING:
            return
        containers.append(body)
    for container, part in zip(reversed(containers), [last, *reversed(parents)], strict=True):
        value = _step(container, part)
        if value is MISSING or (part is not last and value not in ({}, [])):
            return
        if isinstance(container, dict):
            del container[part.partition(":")[2]]
        else:
            container.remove(value)
        if part.startswith("k:"):
            return


def _merged(live: Any, applied: Any, key_of: ListKey, name: str) -> Any:
    """The applied fields over the live ones."""
    if isinstance(applied, dict) and isinstance(live, dict) and not _is_atomic(name, key_of):
        return {**live, **{key: _merged(live.get(key), field, key_of, key) for key, field in applied.items()}}
    if isinstance(applied, list) and isinstance(live, list):
        key = key_of(name)
        if key and all(isinstance(item, dict) and key in item for item in (*applied, *live)):
            by_key = {_member(key, item): item for item in live}
            merged = {
                member: _merged(by_key.get(member), item, key_of, "")
                for member, item in ((_member(key, item), item) for item in applied)
            }
            return [merged.pop(_member(key, item), item) for item in live] + list(merged.values())
        if name in SETS:
            return live + [item for item in applied if item not in live]
    return applied

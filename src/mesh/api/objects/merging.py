"""Changes to objects as values: Kubernetes' kinds of patch, and the three-way merge of `kubectl apply`.

Lists: Kubernetes merges some by a key (containers by name) and replaces the others; `list_key` says which.
For Istio's kinds all lists are replaced, as on a cluster (they are custom resources there).
"""

import copy
from collections.abc import Callable
from typing import Any

from mesh.api.transport.status_errors import Problem
from mesh.resources.kind_definition import KindDefinition

Json = Any
ListKey = Callable[[str], str | None]

KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "secrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
    "podIPs": "ip",
    "conditions": "type",
    "ownerReferences": "uid",
}
SETS = frozenset({"finalizers"})
ALWAYS = {"conditions": "type", "ownerReferences": "uid"}
WITH_PODS = frozenset({"", "apps", "batch"})
STRATEGIC = WITH_PODS | {
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "autoscaling",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
}
ORDER = "$setElementOrder/"
FROM_SET = "$deleteFromPrimitiveList/"


def list_key(group: str, kind: str) -> ListKey:
    """Which field identifies a member of a list, by the list's name; None: the list is replaced."""
    if group not in STRATEGIC:
        # Kubernetes knows no strategic merge for custom resources, and Istio's kinds are such: their lists are
        # replaced.
        return lambda _name: None
    if group not in WITH_PODS:
        return ALWAYS.get
    # The one list whose key depends on the kind: a container's ports are found by containerPort.
    keys = {**KEYS, "ports": "port"} if kind == "Service" else KEYS
    return keys.get


def list_key_of(definition: KindDefinition, version: str) -> ListKey:
    """As `list_key`; for a kind that a user has defined, what its schema says (x-kubernetes-list-map-keys)."""
    if definition.custom is None:
        return list_key(definition.group, definition.kind)
    keys: dict[str, str] = {}
    _collect_keys(definition.custom.openapi(version), keys)
    return keys.get


def _collect_keys(schema: Any, keys: dict[str, str]) -> None:
    """The keys of all lists of a schema, by the lists' names; lists with several keys are replaced."""
    if not isinstance(schema, dict):
        return
    for name, field in (schema.get("properties") or {}).items():
        if isinstance(field, dict):
            listed: Any = field.get("x-kubernetes-list-map-keys") or []
            if field.get("x-kubernetes-list-type") == "map" and len(listed) == 1:
                keys[name] = listed[0]
            _collect_keys(field, keys)
    for part in ("items", "additionalProperties"):
        _collect_keys(schema.get(part), keys)


def merge_patch(target: Json, patch: Json) -> Json:
    """JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def strategic_patch(target: Json, patch: Json, key_of: ListKey) -> Json:
    """Kubernetes' strategic merge patch, with its directives. Raises Problem (400) when it is malformed."""
    if not isinstance(patch, dict):
        return patch
    how = patch.get("$patch")
    if how not in (None, "replace", "delete", "merge"):
        raise Problem(400, f'strategic merge patch: "$patch: {how}" is none of replace, delete, merge')
    if how == "delete":
        return {}
    if how == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    # A directive belongs to this level only; what it does not mention is merged as usual.
    merged = dict(target) if isinstance(target, dict) else {}
    if (retained := patch.get("$retainKeys")) is not None:
        merged = {name: value for name, value in merged.items() if name in retained}
    for name, value in patch.items():
        if name.startswith(FROM_SET):
            field = name.removeprefix(FROM_SET)
            merged[field] = [item for item in merged.get(field) or [] if item not in value]
    for name, value in patch.items():
        if not name.startswith("$"):
            _patch_field(merged, name, value, key_of)
    # Last, when all members are there: the order lists those that the patch adds, too.
    present = target if isinstance(target, dict) else {}
    for name, value in patch.items():
        field = name.removeprefix(ORDER)
        explicit = name.startswith(ORDER)
        merges = explicit or (isinstance(value, list) and f"{ORDER}{name}" not in patch and _is_merged(name, key_of))
        if merges and isinstance(merged.get(field), list) and isinstance(value, list):
            merged[field] = _ordered(merged[field], value, present.get(field) or [], key_of(field))
    return merged


def _is_merged(name: str, key_of: ListKey) -> bool:
    return name in SETS or key_of(name) is not None


def _patch_field(merged: dict[str, Any], name: str, value: Json, key_of: ListKey) -> None:
    if value is None:
        merged.pop(name, None)
    elif isinstance(value, dict):
        merged[name] = strategic_patch(merged.get(name), value, key_of)
    elif isinstance(value, list) and (key := key_of(name)):
        merged[name] = _patch_list(merged.get(name) or [], value, key, key_of)
    elif isinstance(value, list) and name in SETS:
        present = merged.get(name) or []
        merged[name] = present + [item for item in value if item not in present]
    else:
        merged[name] = value


def _patch_list(present: list[Any], patch: list[Any], key: str, key_of: ListKey) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    merged = list(present)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise Problem(400, f'strategic merge patch: a list member has no "{key}" to find it by: {item!r}')
        index = next((n for n, member in enumerate(merged) if member.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            merged = [member for member in merged if member.get(key) != item[key]]
        elif index is None:
            merged.append(strategic_patch({}, item, key_of))
        else:
            merged[index] = strategic_patch(merged[index], item, key_of)
    return merged


def _ordered(members: list[Any], order: list[Any], before: list[Any], key: str | None) -> list[Any]:
    """The members of a merged list in the order of the patch, the others between them as they were `before`.

    A member that the patch does not name comes before one that it names only if both were there in that order: what
    a patch adds comes first (strategicpatch.normalizeElementOrder).
    """

    def name_of(member: Any) -> Any:
        return member.get(key) if key and isinstance(member, dict) else member

    names, former = [name_of(item) for item in order], [name_of(item) for item in before]
    others = [member for member in members if name_of(member) not in names]
    ordered = sorted((member for member in members if name_of(member) in names), key=lambda m: names.index(name_of(m)))
    merged = []
    while others and ordered:
        other, next_ = name_of(others[0]), name_of(ordered[0])
        stays_first = other in former and next_ in former and former.index(other) < former.index(next_)
        merged.append((others if stays_first else ordered).pop(0))
    return merged + others + ordered


def json_patch(target: Json, operations: Json) -> Json:
    """JSON patch (RFC 6902). Raises Problem: 400 when malformed, 422 when it does not fit the object."""
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise Problem(400, "a JSON patch is a list of operations")
    document = copy.deepcopy(target)
    for number, operation in enumerate(operations):
        try:
            document = _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise Problem(422, f"JSON patch: operation {number} {operation}: {_why(error)}") from None
    return document


def _why(error: Exception) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else str(error)


def _operate(document: Json, operation: dict[str, Any]) -> Json:
    name, path = operation["op"], _pointer(operation["path"])
    if name == "remove":
        return _removed(document, path)
    if name == "test":
        if _at(document, path) != operation["value"]:
            raise ValueError("the value is another one")
        return document
    if name == "replace":
        # As in Kubernetes' library, a field that is not there may be replaced; a member of a list may not.
        container = _at(document, path[:-1]) if path else None
        if isinstance(container, list):
            document = _removed(document, path)
        return _added(document, path, operation["value"])
    if name == "add":
        return _added(document, path, operation["value"])
    if name in ("move", "copy"):
        source = _pointer(operation["from"])
        value = copy.deepcopy(_at(document, source))
        return _added(_removed(document, source) if name == "move" else document, path, value)
    raise ValueError(f'"{name}" is not an operation')


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise ValueError(f'"{text}" is not a JSON pointer')
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Json, path: list[str]) -> Json:
    for part in path:
        document = document[_index(document, part)]
    return document


def _index(container: Json, part: str) -> Any:
    if not isinstance(container, list):
        return part
    if not part.isdecimal():
        raise ValueError(f'"{part}" is not an index of a list')
    return int(part)


def _removed(document: Json, path: list[str]) -> Json:
    if not path:
        return None
    container = _at(document, path[:-1])
    del container[_index(container, path[-1])]
    return document


def _added(document: Json, path: list[str], value: Json) -> Json:
    if not path:
        return value
    container = _at(document, path[:-1])
    if not isinstance(container, list):
        container[path[-1]] = value
        return document
    index = len(container) if path[-1] == "-" else _index(container, path[-1])
    if index > len(container):
        raise IndexError(f"index {index} is beyond the list")
    container.insert(index, value)
    return document


def three_way(last: Json, live: Json, new: Json, key_of: ListKey, name: str = "") -> Json:
    """The merge of `kubectl apply`: `new` over `live`, less what `last` had applied and `new` no longer has.

    What others have set, and nobody applied, stays.
    """
    if isinstance(new, dict):
        before = last if isinstance(last, dict) else {}
        merged = dict(live) if isinstance(live, dict) else {}
        # Removed by the user: it was in the last manifest, and is not in this one.
        for field in before:
            if field not in new:
                merged.pop(field, None)
        for field, value in new.items():
            merged[field] = three_way(before.get(field), merged.get(field), value, key_of, field)
        return merged
    key = key_of(name)
    # A list whose members cannot be told apart by their key is replaced, as kubectl does.
    if isinstance(new, list) and key and len(_by_key(new, key)) == len(new):
        return _three_way_list(_by_key(last, key), _by_key(live, key), new, key, key_of)
    return new


def _by_key(members: Json, key: str) -> dict[Any, Any]:
    """The members by their key. Fewer than there are when one has no key, or two have the same."""
    if not isinstance(members, list):
        return {}
    return {item[key]: item for item in members if isinstance(item, dict) and isinstance(item.get(key), str | int)}


def _three_way_list(last: dict[Any, Any], live: dict[Any, Any], new: list[Any], key: str, key_of: ListKey) -> list[Any]:
    names = {item[key] for item in new}
    merged = [three_way(last.get(item[key]), live.get(item[key]), item, key_of) for item in new]
    return merged + [item for name, item in live.items() if name not in names and name not in last]

"""The mesh's own writes: many objects as one change (`POST /mesh/v1/apply`, `POST /mesh/v1/delete`).

Each is one commit, so that rules and workloads change at the same moment. An apply is the three-way merge of
`kubectl apply`, and records what was applied in kubectl's annotation: both may be used on the same objects.
"""

import json
from collections.abc import Sequence
from typing import Any

from mesh.api.objects.admission import SERVER_METADATA, Admission, Admitted, NoNamespace, ProposedObject, Refused
from mesh.api.objects.edits import with_edits
from mesh.api.objects.merging import list_key, three_way
from mesh.api.objects.served import ServedKinds
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem
from mesh.resources.registry import Registry
from mesh.resources.validation.manifest import identify
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Invalid
from mesh.resources.values.ref import NAMESPACE, GroupKind, Ref
from mesh.store import Conflict, Put, Store, Stored
from mesh.store.cascade import removal

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# The same for applies with `keepEdits`: kubectl overwrites its own annotation when somebody applies with it.
PRODUCT_APPLIED = "meshmall.dev/last-applied-by-up"
MOST_OBJECTS = 10_000


class Apply:
    """Writes sets of objects to one store."""

    def __init__(self, store: Store, admission: Admission, namespace: str) -> None:
        self._store = store
        self._admission = admission
        self._namespace = namespace
        self._kinds = ServedKinds(store)

    async def apply(self, request: Request) -> Reply:
        """Applies `{"objects": [...], "namespace": str, "dryRun": bool, "keepEdits": bool}`.

        With `keepEdits`, what somebody has changed since the last apply of this kind stays (`mesh.api.objects.edits`).

        Answers `{"version": int, "results": [{"ref": ..., "result": "created" | "configured" | "unchanged",
        "warnings": [...]}]}`. A missing namespace is created, and is among the results. Raises Problem
        (422) with every error of every object; the cause's field begins with `objects[N]`.
        """
        body = await request.json_object()
        bodies = _objects(body)
        namespace = body.get("namespace") or self._namespace
        if not isinstance(namespace, str):
            raise Problem(400, "namespace: is not a string")
        registry = self._kinds.with_definitions(bodies)
        proposed = self._proposed(bodies, namespace, registry, keep_edits=body.get("keepEdits") is True)
        count = len(proposed)
        proposed += [ProposedObject(_namespace(name), None, 0) for name in self._missing(proposed)]
        try:
            admitted = self._admission.admit(proposed, namespace, together=True, registry=registry)
        except Refused as refused:
            raise _refused(refused.errors) from None
        except NoNamespace as missing:
            raise Problem(409, f"namespace {missing.name} is being deleted; try again when it is gone") from None
        # Namespaces are stored first, and listed first in the results.
        order = [*range(count, len(proposed)), *range(count)]
        puts = [admitted.puts[number] for number in order]
        before = {put.ref: self._store.get(put.ref) for put in puts}
        dry = body.get("dryRun") is True
        if not dry:
            self._commit(puts)
        results = [self._result(admitted, number, before[admitted.puts[number].ref], dry) for number in order]
        return Reply({"version": self._store.version, "results": results})

    async def delete(self, request: Request) -> Reply:
        """Deletes `{"objects": [{"group", "kind", "namespace", "name"}], "gracePeriodSeconds": int}`.

        Answers as `apply`, with the results "deleted" and "not found".
        """
        body = await request.json_object()
        grace = body.get("gracePeriodSeconds")
        if grace is not None and (not isinstance(grace, int) or grace < 0):
            raise Problem(400, f"gracePeriodSeconds: {grace!r} is not a number of seconds")
        refs = [_ref(number, part, self._kinds.registry) for number, part in enumerate(_objects(body))]
        existing = {ref: stored for ref in refs if (stored := self._store.get(ref)) is not None}
        if body.get("dryRun") is not True:
            self._store.commit(removal(self._store, existing.values(), grace=grace))
        results: list[Body] = [
            {"ref": ref._asdict(), "result": "deleted" if ref in existing else "not found", "warnings": []}
            for ref in dict.fromkeys(refs)
        ]
        return Reply({"version": self._store.version, "results": results})

    def _proposed(
        self, bodies: Sequence[Body], namespace: str, registry: Registry, *, keep_edits: bool
    ) -> list[ProposedObject]:
        proposed = []
        errors: list[tuple[int, FieldError]] = []
        for number, body in enumerate(bodies):
            try:
                identity = identify(body, namespace, registry)
            except Invalid as error:
                errors += [(number, problem) for problem in error.errors]
                continue
            merged = _merged(body, identity.ref, self._store.get(identity.ref), keep_edits=keep_edits)
            proposed.append(merged._replace(identity=identity))
        if errors:
            raise _refused(errors)
        return proposed

    def _missing(self, proposed: Sequence[ProposedObject]) -> list[str]:
        """The namespaces of the objects that neither exist nor come with them."""
        coming = [item.body["metadata"].get("name") for item in proposed if GroupKind.of(item.body) == NAMESPACE]
        namespaces = [item.body["metadata"].get("namespace") for item in proposed]
        names = {name for name in namespaces if isinstance(name, str) and name and name not in coming}
        return sorted(name for name in names if self._store.get(Ref("", "Namespace", "", name)) is None)

    def _commit(self, puts: Sequence[Put]) -> None:
        try:
            self._store.commit(puts)
        except Conflict as error:
            raise Problem(409, str(error)) from None

    def _result(self, admitted: Admitted, number: int, before: Stored | None, dry: bool) -> Body:
        put = admitted.puts[number]
        if before is None:
            result = "created"
        elif dry:
            result = "unchanged" if _same(put.body, before.body) else "configured"
        else:
            result = "unchanged" if self._store.get(put.ref) is before else "configured"
        warnings = [text for position, text in admitted.warnings if position == number]
        return {"ref": put.ref._asdict(), "result": result, "warnings": warnings}


def _merged(body: Body, ref: Ref, old: Stored | None, *, keep_edits: bool) -> ProposedObject:
    """What to write: `body`, and what others have set."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("annotations") or {}, dict):
        return ProposedObject({**body, "metadata": metadata if isinstance(metadata, dict) else {}}, old)
    applied = {name: value for name, value in metadata.items() if name not in SERVER_METADATA and value is not None}
    if ref.namespace:
        applied["namespace"] = ref.namespace
    annotations = dict(applied.get("annotations") or {})
    for mark in (LAST_APPLIED, PRODUCT_APPLIED):
        annotations.pop(mark, None)
    applied["annotations"] = annotations
    new = {**{name: value for name, value in body.items() if name != "status"}, "metadata": applied}
    text = json.dumps(new, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    marks = {LAST_APPLIED: text, **({PRODUCT_APPLIED: text} if keep_edits else {})}
    if old is None:
        return ProposedObject(_marked(new, marks), None, 0)
    key_of = list_key(ref.group, ref.kind)
    last = _last_applied(old, LAST_APPLIED)
    if keep_edits:
        if product := _last_applied(old, PRODUCT_APPLIED):
            # kubectl's own mark, if somebody has applied the object since, is what their next apply starts from.
            marks |= {LAST_APPLIED: old.metadata["annotations"].get(LAST_APPLIED, text)} if product != last else {}
            last = product
        new = with_edits(last, old.body, new, key_of) if isinstance(last, dict) else new
    return ProposedObject(three_way(last, old.body, _marked(new, marks), key_of), old, old.version)


def _marked(body: Body, marks: Body) -> Body:
    metadata = body["metadata"]
    return {**body, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **marks}}}


def _last_applied(old: Stored, mark: str) -> Any:
    """What was applied last, as an annotation says; None when nobody applied, or when it is unreadable."""
    try:
        return json.loads((old.metadata.get("annotations") or {}).get(mark, "null"))
    except (ValueError, RecursionError, TypeError):
        return None


def _same(body: Body, stored: Body) -> bool:
    names = ("uid", "resourceVersion", "creationTimestamp", "generation")
    metadata = {name: value for name, value in stored["metadata"].items() if name not in names}
    return body == {**stored, "metadata": metadata}


def _objects(body: Body) -> list[Body]:
    objects = body.get("objects")
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise Problem(400, "objects: is not a list of objects")
    if len(objects) > MOST_OBJECTS:
        raise Problem(413, f"objects: {len(objects)}; at most {MOST_OBJECTS} are accepted")
    return objects


def _ref(number: int, body: Body, registry: Registry) -> Ref:
    parts = [body.get(name, "") for name in Ref._fields]
    if not all(isinstance(part, str) for part in parts):
        raise Problem(400, f"objects[{number}]: group, kind, namespace and name are strings")
    ref = Ref(*parts)
    definition = registry.by_kind(ref.group, ref.kind)
    if definition is None:
        raise Problem(422, f'objects[{number}].kind: there is no kind "{ref.kind}" in "{ref.group}"')
    if not ref.name or (definition.namespaced and not ref.namespace):
        raise Problem(422, f"objects[{number}]: needs a name{' and a namespace' if definition.namespaced else ''}")
    return ref if definition.namespaced else ref._replace(namespace="")


def _namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _refused(errors: Sequence[tuple[int, FieldError]]) -> Problem:
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": str(error),
            "field": f"objects[{number}].{error.path}".removesuffix("."),
        }
        for number, error in errors
    ]
    return Problem(422, "\n".join(cause["message"] for cause in causes), causes=causes)

"""The last step of every write: through admission into the store, with the conflicts that Kubernetes reports."""

from collections.abc import Callable, Sequence

from mesh.api.objects import managed
from mesh.api.objects.admission import Admission, NoNamespace, ProposedObject, Refused
from mesh.api.objects.merging import list_key_of
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import shown
from mesh.api.objects.request_bodies import duplicates, unknown_fields
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem, already_exists, conflict, invalid_options, not_found, refusal
from mesh.resources.values.body import Body
from mesh.resources.values.ref import NAMESPACE, POD, Ref
from mesh.store import Conflict, Exists, NotFound, Put, Store, Stored, timestamp
from mesh.store.cascade import removal

LONGEST_MANAGER = 128
Owners = Callable[[Body], Sequence[managed.Owner]]
"""Who owns which field of an object, given the object as it will be stored."""


class Storing:
    """Stores one object at a time."""

    def __init__(self, store: Store, admission: Admission) -> None:
        self._store = store
        self._admission = admission

    def write(
        self, target: Target, proposed: ProposedObject, owners: Owners, request: Request, *, code: int = 200
    ) -> Reply:
        """Stores an object that admission accepts; answers it with `code`. Raises Problem (403, 404, 409, 422)."""
        proposed = proposed._replace(unknown_fields=unknown_fields(request))
        twice = duplicates(target, request, proposed.unknown_fields)
        try:
            admitted = self._admission.admit([proposed], target.namespace, together=False)
        except Refused as refused:
            raise refusal(
                target.definition, target.ref, target.version, [error for _, error in refused.errors]
            ) from None
        except NoNamespace as missing:
            raise _no_namespace(missing, target) from None
        warnings = [*twice, *(text for _, text in admitted.warnings)]
        put = admitted.puts[0]
        put.body["metadata"]["managedFields"] = managed.as_managed_fields(owners(put.body))
        return self.put(target, put, warnings, dry_run=request.dry_run, code=code)

    def put(self, target: Target, put: Put, warnings: Sequence[str] = (), *, dry_run: bool, code: int = 200) -> Reply:
        """Stores an object as it is. Raises Problem (404, 409)."""
        if dry_run:
            body = _as_if_stored(put, self._store.get(put.ref))
            if not target.definition.has_generation:
                body["metadata"].pop("generation", None)
            return Reply(body, code, warnings=warnings)
        try:
            (stored,) = self._store.commit([put])
        except Exists:
            raise already_exists(target.definition, target.ref) from None
        except Conflict:
            raise stale(target) from None
        except NotFound:
            raise not_found(target.definition, target.ref) from None
        if _last_finalizer_removed(stored):
            self._store.commit(removal(self._store, [stored]))
        return Reply(shown(stored, target), code, warnings=warnings)


def owners_after_update(target: Target, old: Stored | None, request: Request) -> Owners:
    """Who owns what after a write that is not a server-side apply."""
    key_of = list_key_of(target.definition, target.version)
    before = old.body if old is not None else None
    manager = field_manager(request)
    return lambda body: managed.updated(before, body, manager, timestamp(), key_of, target.subresource)


def field_manager(request: Request) -> str:
    """Who writes: as the query says, otherwise the client's name. Raises Problem (422) for a name that is too long."""
    manager = request.query.get("fieldManager", "")
    if len(manager) > LONGEST_MANAGER:
        why = f"Too long: may not be more than {LONGEST_MANAGER} bytes"
        raise invalid_options(request.options, "fieldManager", "FieldValueTooLong", why)
    return manager or request.headers.get("user-agent", "").partition("/")[0] or "unknown"


def stale(target: Target) -> Problem:
    """409 to a change that was made to an older version of the object."""
    return conflict(
        target.definition,
        target.ref,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def _last_finalizer_removed(stored: Stored) -> bool:
    """Whether an object waited only for its finalizers. Pods and namespaces wait for more, and others end them."""
    ended_by_others = stored.ref.group_kind in (POD, NAMESPACE)
    metadata = stored.metadata
    return bool(metadata.get("deletionTimestamp") and not metadata.get("finalizers") and not ended_by_others)


def _as_if_stored(put: Put, old: Stored | None) -> Body:
    """The object as a commit would leave it, for a dry run."""
    metadata = dict(put.body["metadata"])
    if old is None:
        metadata.update(uid="00000000-0000-0000-0000-000000000000", creationTimestamp=timestamp(), generation=1)
    else:
        for name in ("uid", "creationTimestamp", "generation", "resourceVersion"):
            metadata[name] = old.metadata[name]
    return {**put.body, "metadata": metadata}


def _no_namespace(missing: NoNamespace, target: Target) -> Problem:
    """404, or 403 for a namespace that is being deleted."""
    ref = Ref("", "Namespace", "", missing.name)
    if missing.ending:
        message = f"namespace {missing.name} is being terminated"
        cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
        return Problem(
            403,
            f'{target.definition.plural} "{target.name}" is forbidden: unable to create new content in namespace '
            f"{missing.name} because it is being terminated",
            ref=target.ref,
            plural=target.definition.plural,
            causes=[cause],
        )
    return Problem(404, f'namespaces "{missing.name}" not found', ref=ref, plural="namespaces")

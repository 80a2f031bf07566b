"""DELETE on objects and collections, as Kubernetes' API server answers it."""

from mesh.api.objects.delete_options import DeleteOptions, delete_options
from mesh.api.objects.list_options import list_options
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require, shown
from mesh.api.objects.selectors import selection
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem
from mesh.resources.values.ref import NAMESPACE, POD
from mesh.store import Delete, Store, Stored
from mesh.store.cascade import removal

# As in Kubernetes: deleting one of these answers the object, all others a Status.
ANSWERED = frozenset(
    {
        *("Service", "ServiceAccount", "PodTemplate", "ResourceQuota"),
        *("PersistentVolume", "PersistentVolumeClaim", "StorageClass"),
    }
)
KEPT_NAMESPACES = frozenset({"default", "kube-system", "kube-public"})


class Deleting:
    """Deletes from one store, with what goes along (`mesh.store.cascade`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def delete(self, target: Target, request: Request) -> Reply:
        """One object. Answers the object while it is still there (it waits for something). Raises Problem (400, 404,
        409)."""
        options = await delete_options(request)
        old = require(self._store, target)
        _require(old, options)
        if target.ref.group_kind == NAMESPACE and target.name in KEPT_NAMESPACES:
            why = "this namespace may not be deleted"
            raise Problem(403, f'namespaces "{target.name}" is forbidden: {why}', ref=target.ref, plural="namespaces")
        self._remove([old], options)
        remaining = old if options.dry_run else self._store.get(target.ref)
        # A new object of this name, made by whoever saw the old one go, is not the answer.
        if remaining is not None and remaining.uid == old.uid:
            return Reply(shown(remaining, target))
        if target.definition.kind in ANSWERED or (options.grace == 0 and target.ref.group_kind == POD):
            return Reply(shown(old, target))
        details = {"name": target.name, "kind": target.definition.plural, "uid": old.uid}
        if target.definition.group:
            details["group"] = target.definition.group
        return Reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    async def delete_collection(self, target: Target, request: Request) -> Reply:
        """All objects of a kind in a namespace, or those that the selectors match. Raises Problem (400)."""
        options = await delete_options(request)
        matches = selection(
            request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""), target.definition.kind
        )
        objects = self._store.list(*target.definition.stored_kind, target.namespace or None)
        objects = [stored for stored in objects if matches is None or matches(stored.body)]
        if limit := list_options(request.query).limit:
            objects = objects[:limit]
        self._remove(objects, options)
        metadata = {"resourceVersion": str(self._store.version)}
        items = [shown(stored, target) for stored in objects]
        kind = f"{target.definition.kind}List"
        return Reply({"kind": kind, "apiVersion": target.api_version, "metadata": metadata, "items": items})

    def _remove(self, objects: list[Stored], options: DeleteOptions) -> None:
        if options.dry_run:
            return
        changes = removal(self._store, objects, grace=options.grace, orphan=options.orphan)
        if options.grace == 0:
            # "Force" means that the name is free at once; whoever runs the pod ends what is left of it.
            forced = {stored.ref for stored in objects if stored.ref.group_kind == POD}
            forced -= {stored.ref for stored in objects if stored.metadata.get("finalizers")}
            changes = [Delete(change.ref) if change.ref in forced else change for change in changes]
        self._store.commit(changes)


def _require(old: Stored, options: DeleteOptions) -> None:
    """Raises Problem (409) when the object is not the one that the client means to delete."""
    for name, expected, actual in (("UID", options.uid, old.uid), ("ResourceVersion", options.version, old.version)):
        if expected not in ("", str(actual)):
            kind = old.ref.kind
            why = f"the {name} in the precondition ({expected}) does not match the {name} in record ({actual})"
            text = f'Operation cannot be fulfilled on {kind} "{old.ref.name}": {why}'
            raise Problem(409, text, ref=old.ref, plural=kind)

"""DELETE on objects and collections, as Kubernetes' API server answers it."""

from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require, shown
from mesh.api.objects.request_bodies import DeleteOptions, delete_options
from mesh.api.objects.selectors import selection
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import conflict
from mesh.store import Store, Stored
from mesh.store.cascade import removal


class Deleting:
    """Deletes from one store, with what goes along (`mesh.store.cascade`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def delete(self, target: Target, request: Request) -> Reply:
        """One object. Answers the object while it is still there (it waits for something). Raises Problem (400, 404,
        409)."""
        options = await delete_options(request)
        old = require(self._store, target)
        if options.uid not in ("", old.uid) or options.version not in ("", str(old.version)):
            raise conflict(target.definition, target.ref, "the preconditions are not those of the object")
        self._remove([old], options)
        remaining = old if options.dry_run else self._store.get(target.ref)
        if remaining is not None:
            return Reply(shown(remaining, target))
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
        objects = self._store.list(target.definition.group, target.definition.kind, target.namespace or None)
        objects = [stored for stored in objects if matches is None or matches(stored.body)]
        self._remove(objects, options)
        metadata = {"resourceVersion": str(self._store.version)}
        items = [shown(stored, target) for stored in objects]
        kind = f"{target.definition.kind}List"
        return Reply({"kind": kind, "apiVersion": target.api_version, "metadata": metadata, "items": items})

    def _remove(self, objects: list[Stored], options: DeleteOptions) -> None:
        if not options.dry_run:
            self._store.commit(removal(self._store, objects, grace=options.grace, orphan=options.orphan))

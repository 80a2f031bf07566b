"""Garbage collection: removes objects whose owners or namespace are gone.

A delete through the API removes dependents in the same commit (`mesh.store.cascade`). The collector handles the rest:
what controllers delete, dependents that were written too late, and namespaces that wait for their last pod. It also
reports to admission which NodePorts have just been freed.
"""

from mesh.api.objects.node_ports import NodePorts
from mesh.reconcile.follower import follow
from mesh.resources.values.ref import SERVICE, Ref
from mesh.store import Conflict, Delete, Event, NotFound, Store, Stored
from mesh.store.cascade import removal

# Records about other objects, written even while those are terminating: no reason for a namespace to stay.
RECORDS = frozenset({("", "Event"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")})


class Collector:
    """Follows one store until it is closed or the task is cancelled."""

    def __init__(self, store: Store, node_ports: NodePorts) -> None:
        self._store = store
        self._node_ports = node_ports

    async def run(self) -> None:
        """Examines everything once, then every change."""
        await follow(self._store, relist=self.sweep, take=self._take)

    def sweep(self) -> None:
        """Removes everything that has no reason to exist now."""
        uids = {stored.uid for stored in self._store.everything()}
        self._remove([stored for stored in self._store.everything() if (o := _owners(stored)) and not uids & o])
        for namespace in self._store.list("", "Namespace"):
            self._finish_namespace(namespace.ref.name)

    def _take(self, event: Event) -> None:
        stored = event.object
        ref = stored.ref
        if event.previous is not None and ref.group_kind == SERVICE:
            self._node_ports.release(event.previous.body)
        # Whoever wrote it may have seen the owner just before that was deleted.
        if event.type == "ADDED" and _owners(stored) and not self._owned(stored, ""):
            self._remove([stored])
        if event.type != "DELETED":
            return
        dependents = self._store.dependents(stored.uid)
        self._remove([dependent for dependent in dependents if not self._owned(dependent, stored.uid)])
        if ref.namespace:
            self._finish_namespace(ref.namespace)

    def _owned(self, dependent: Stored, gone: str) -> bool:
        """Whether an owner other than the one with uid `gone` still exists."""
        for owner in dependent.metadata.get("ownerReferences", ()):
            group = str(owner["apiVersion"]).rpartition("/")[0]
            for namespace in (dependent.ref.namespace, ""):
                stored = self._store.get(Ref(group, owner["kind"], namespace, owner["name"]))
                if owner["uid"] != gone and stored is not None and stored.uid == owner["uid"]:
                    return True
        return False

    def _remove(self, objects: list[Stored]) -> None:
        # One commit per object: if one is gone already, the others must still go.
        for stored in objects:
            try:
                self._store.commit(removal(self._store, [stored]))
            except (Conflict, NotFound):
                continue

    def _finish_namespace(self, name: str) -> None:
        namespace = self._store.get(Ref("", "Namespace", "", name))
        if namespace is None or not namespace.metadata.get("deletionTimestamp"):
            return
        remaining = [stored.ref for stored in self._store.everything(name)]
        if all(ref[:2] in RECORDS for ref in remaining):
            self._store.commit([*map(Delete, remaining), Delete(namespace.ref)])


def _owners(stored: Stored) -> set[str]:
    return {owner["uid"] for owner in stored.metadata.get("ownerReferences", ())}

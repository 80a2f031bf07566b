"""Removes what lost its reason to be, after whoever removed that: the garbage collector.

A delete through the API takes its dependents along in the same commit (`mesh.store.cascade`). This looks
after the rest: what other rooms delete, dependents that were written too late, and namespaces that wait for
their last pod. It also tells admission which NodePorts have just been given up.
"""

from mesh.api.objects.node_ports import NodePorts
from mesh.resources.values.ref import Ref
from mesh.store import Conflict, Delete, Event, Expired, NotFound, Store, Stored
from mesh.store.cascade import removal

# What is written about other objects, also while these are ending: no reason for a namespace to stay.
TOLD_OF_OTHERS = frozenset({("", "Event"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")})


class Collector:
    """Follows one store until it is closed or the task cancelled."""

    def __init__(self, store: Store, node_ports: NodePorts) -> None:
        self._store = store
        self._node_ports = node_ports

    async def run(self) -> None:
        """Looks at everything once, then at every change."""
        while True:
            try:
                async with self._store.watch() as watch:
                    self.sweep()
                    while events := await watch.batch():
                        for event in events:
                            self._look(event)
                return
            except Expired:
                continue

    def sweep(self) -> None:
        """Collects what is there without reason now."""
        uids = {each.uid for each in self._store.everything()}
        orphans = [each for each in self._store.everything() if _owners(each) and not uids & _owners(each)]
        self._remove(orphans)
        for each in self._store.list("", "Namespace"):
            self._end_namespace(each.ref.name)

    def _look(self, event: Event) -> None:
        stored = event.object
        ref = stored.ref
        if event.previous is not None and ref.kind == "Service":
            self._node_ports.give_up(event.previous.body)
        if event.type == "ADDED" and _owners(stored) and not self._owned(stored, ""):
            self._remove([stored])
        if event.type != "DELETED":
            return
        self._remove([each for each in self._store.dependents(stored.uid) if not self._owned(each, stored.uid)])
        if ref.namespace:
            self._end_namespace(ref.namespace)

    def _owned(self, dependent: Stored, gone: str) -> bool:
        """Whether one of its owners is there, other than the one that has gone."""
        for owner in dependent.metadata.get("ownerReferences", ()):
            group = str(owner["apiVersion"]).rpartition("/")[0]
            for namespace in (dependent.ref.namespace, ""):
                found = self._store.get(Ref(group, owner["kind"], namespace, owner["name"]))
                if owner["uid"] != gone and found is not None and found.uid == owner["uid"]:
                    return True
        return False

    def _remove(self, objects: list[Stored]) -> None:
        # One that another room has removed in this moment is no reason to leave the others.
        for each in objects:
            try:
                self._store.commit(removal(self._store, [each]))
            except (Conflict, NotFound):
                continue

    def _end_namespace(self, name: str) -> None:
        namespace = self._store.get(Ref("", "Namespace", "", name))
        if namespace is None or not namespace.metadata.get("deletionTimestamp"):
            return
        left = list(self._store.everything(name))
        if all(each.ref[:2] in TOLD_OF_OTHERS for each in left):
            self._store.commit([*(Delete(each.ref) for each in left), Delete(namespace.ref)])


def _owners(stored: Stored) -> set[str]:
    return {owner["uid"] for owner in stored.metadata.get("ownerReferences", ())}

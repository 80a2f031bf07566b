"""Deployments that stay stored and do not run: what a start was asked not to start.

They are marked before any controller looks at them. The mark goes with the next start that does not ask for it, and
whenever somebody writes the Deployment (`mesh.api.objects.admission`).
"""

from collections.abc import Collection, Iterator

from mesh.reconcile.writing import update
from mesh.resources.core.deployment import DORMANT
from mesh.resources.meshmall.branch import SERVICE_LABEL
from mesh.resources.values.body import Body
from mesh.resources.values.ref import DEPLOYMENT, REPLICA_SET
from mesh.store import Store, Stored


def mark_dormant(store: Store, names: Collection[str]) -> int:
    """Marks the stored Deployments among `names` ("Deployment mesh/products", "Service mesh/products"), and branches'
    forks of the Services among them; unmarks all others. Returns how many are marked."""
    marked = {stored.ref: stored.uid for stored in _named(store, names)}
    for stored in store.list(*DEPLOYMENT):
        update(store, stored.ref, _mark if stored.ref in marked else _unmark)
    # Their ReplicaSets, too: they would create a pod before their Deployment has had its say.
    for stored in store.list(*REPLICA_SET):
        owners = {owner["uid"] for owner in stored.metadata.get("ownerReferences") or ()}
        if owners & set(marked.values()):
            update(store, stored.ref, _empty)
    return len(marked)


def _named(store: Store, names: Collection[str]) -> Iterator[Stored]:
    for stored in store.list(*DEPLOYMENT):
        forked = (stored.metadata.get("labels") or {}).get(SERVICE_LABEL, "")
        own, of = f"{stored.ref.namespace}/{stored.ref.name}", f"{stored.ref.namespace}/{forked}"
        if f"Deployment {own}" in names or (forked and f"Service {of}" in names):
            yield stored


def _mark(body: Body) -> None:
    body["metadata"].setdefault("annotations", {})[DORMANT] = "since up --empty"


def _empty(body: Body) -> None:
    body["spec"]["replicas"] = 0


def _unmark(body: Body) -> None:
    annotations = body["metadata"].get("annotations") or {}
    if annotations.pop(DORMANT, None) is not None and not annotations:
        del body["metadata"]["annotations"]

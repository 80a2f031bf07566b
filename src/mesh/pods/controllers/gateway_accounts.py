"""What is made for a Gateway of the Gateway API: a ServiceAccount, with the labels and annotations that
`spec.infrastructure` asks for.

On a cluster a Gateway gets a Deployment, a Service and a ServiceAccount of its own (GEP-1867, GEP-1762). Here one Envoy
serves all of them, so that there is nothing to run: the account stands for the Gateway, under the name and the label by
which tools look for it.
"""

from mesh.pods.controllers.objects import owner_reference
from mesh.reconcile.follower import follow
from mesh.reconcile.supervisor import Supervisor
from mesh.reconcile.work_queue import WorkQueue
from mesh.reconcile.writing import update
from mesh.resources.gateway_api.types import CLASS_NAME, CONTROLLERS, OTHER_CLASS_NAMES, Gateway, GatewayClass
from mesh.resources.values.body import Body
from mesh.resources.values.meta import ref_of
from mesh.resources.values.ref import KUBERNETES_GATEWAY, Ref
from mesh.store import Event, Put, Store, Stored

GATEWAY_NAME, GATEWAY_CLASS_NAME = (
    "gateway.networking.k8s.io/gateway-name",
    "gateway.networking.k8s.io/gateway-class-name",
)


class GatewayAccounts:
    """Follows the Gateways of one store. Make it inside a running loop."""

    LOOP = "gateway accounts"

    def __init__(self, store: Store, supervisor: Supervisor | None = None) -> None:
        self._store = store
        self._supervisor = supervisor or Supervisor()
        self._queue: WorkQueue[Ref] = WorkQueue(self._reconcile)

    async def start(self) -> None:
        """Starts following; every Gateway is looked at once."""
        self._supervisor.start(self.LOOP, self._run)

    async def stop(self) -> None:
        """Stops following. Idempotent."""
        await self._supervisor.stop(self.LOOP)
        self._queue.close()

    async def _run(self) -> None:
        await follow(self._store, relist=self._relist, take=self._take)

    def _relist(self) -> None:
        for gateway in self._store.of(Gateway):
            self._queue.add(ref_of(gateway))

    def _take(self, event: Event) -> None:
        if event.object.ref.group_kind == KUBERNETES_GATEWAY:
            self._queue.add(event.object.ref)

    def _reconcile(self, ref: Ref) -> None:
        """One look at one Gateway. Its account ends with it, as everything that an object owns does."""
        stored = self._store.get(ref)
        gateway = stored.typed if stored is not None else None
        if stored is None or not isinstance(gateway, Gateway):
            self._queue.forget(ref)
            return
        if not self._is_ours(gateway.spec.gateway_class_name) or gateway.metadata.deletion_timestamp is not None:
            return
        name = f"{gateway.metadata.name}-{gateway.spec.gateway_class_name}"
        account = Ref("", "ServiceAccount", ref.namespace, name)
        metadata = _metadata(stored, gateway)
        if self._store.get(account) is None:
            named = {"name": name, "namespace": ref.namespace, **metadata}
            self._store.commit([Put(account, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named})])
            return

        def change(body: Body) -> None:
            # Somebody else's account of this name is left alone.
            if body["metadata"].get("ownerReferences") == metadata["ownerReferences"]:
                body["metadata"] |= metadata

        update(self._store, account, change)

    def _is_ours(self, name: str) -> bool:
        classes = {
            gateway_class.metadata.name: gateway_class.spec.controller_name
            for gateway_class in self._store.of(GatewayClass)
        }
        return classes[name] in CONTROLLERS if name in classes else name in (CLASS_NAME, *OTHER_CLASS_NAMES)


def _metadata(stored: Stored, gateway: Gateway) -> Body:
    infrastructure = gateway.spec.infrastructure
    labels = {GATEWAY_NAME: gateway.metadata.name, GATEWAY_CLASS_NAME: gateway.spec.gateway_class_name}
    return {
        "labels": {**infrastructure.labels, **labels},
        "annotations": dict(infrastructure.annotations),
        "ownerReferences": [owner_reference(stored)],
    }

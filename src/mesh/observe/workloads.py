"""Which workload is at an address: pods by their IP."""

from dataclasses import dataclass

from mesh.observe.hops import Hop
from mesh.reconcile.follower import Follower
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.resources.values.ref import REPLICA_SET, Ref
from mesh.store import Store


@dataclass(frozen=True, slots=True)
class Workload:
    """What a pod belongs to.

    `service` is its label `app` (or the service that a branch's pod stands for), `owner` its Deployment or other
    workload.
    """

    pod: str
    namespace: str
    owner: str
    service: str
    version: str
    branch: str
    account: str = "default"

    @property
    def qualified_service(self) -> str:
        """ "namespace/service"."""
        return f"{self.namespace}/{self.service}"

    @property
    def principal(self) -> str:
        """The identity that Istio gives a pod, from its namespace and service account (SPIFFE)."""
        return f"spiffe://cluster.local/ns/{self.namespace}/sa/{self.account}"


class Addresses:
    """Looks pods up by IP, and follows the store's pods to do so.

    A pod that has gone stays known until another one has its address: what Envoy reports about its last requests
    arrives after it has ended.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._follower = Follower(store, group="", kind="Pod")
        self._by_ip: dict[str, Workload] = {}

    def follow(self) -> None:
        """Takes in what has changed among pods. Called before addresses are looked up: once for many."""
        changes = self._follower.take()
        if changes.relist:
            for pod in self._store.of(Pod):
                self._enter(pod)
        for event in changes.events:
            if event.type != "DELETED" and (current := self._store.typed(event.object)) is not None:
                self._enter(current)

    def at(self, address: str) -> Workload | None:
        """The pod at "ip:port"; None when the address is no pod's."""
        return self._by_ip.get(address.rpartition(":")[0])

    def source(self, hop: Hop) -> Workload | None:
        """The caller: its listener's address is the pod's own. None for requests from outside."""
        return self.at(hop.listener)

    def destination(self, hop: Hop) -> Workload | None:
        """The pod that answered; None when there was none, or it is not a pod."""
        return self.at(hop.upstream) if hop.upstream else None

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace of this name exists."""
        return self._store.get(Ref("", "Namespace", "", name)) is not None

    def _enter(self, pod: Pod) -> None:
        if pod.status.pod_ip:
            self._by_ip[pod.status.pod_ip] = _workload(pod)


def _workload(pod: Pod) -> Workload:
    labels = pod.metadata.labels
    reference = next((owner for owner in pod.metadata.owner_references if owner.controller), None)
    owner = reference.name if reference is not None else pod.metadata.name
    if reference is not None and reference.group_kind == REPLICA_SET:
        # A Deployment's ReplicaSets are named after it and the template's hash.
        owner = owner.rpartition("-")[0] or owner
    return Workload(
        pod=pod.metadata.name,
        namespace=pod.metadata.namespace,
        owner=owner,
        service=labels.get(SERVICE_LABEL) or labels.get("app") or labels.get("app.kubernetes.io/name") or owner,
        version=labels.get("version", ""),
        branch=labels.get(BRANCH_LABEL, ""),
        account=pod.spec.service_account_name or "default",
    )

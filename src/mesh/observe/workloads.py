"""Who is at an address: pods by their IP, and the mesh's own listeners."""

from dataclasses import dataclass

from mesh.observe.hops import Hop
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL
from mesh.store import Store


@dataclass(frozen=True, slots=True)
class Workload:
    """`service` is the pod's label `app` (or the service that a branch's pod stands for), `owner` its Deployment."""

    pod: str
    namespace: str
    owner: str
    service: str
    version: str
    branch: str
    account: str = "default"

    @property
    def known_as(self) -> str:
        """As "namespace/service"."""
        return f"{self.namespace}/{self.service}"

    @property
    def principal(self) -> str:
        """The identity that Istio gives to a pod: its namespace and service account."""
        return f"spiffe://cluster.local/ns/{self.namespace}/sa/{self.account}"


class Addresses:
    """Looks pods up by IP; the table follows the store's version of pods."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._by_ip: dict[str, Workload] = {}

    def at(self, address: str) -> Workload | None:
        """Who has "ip:port"; a pod that has just gone is still known until the next look."""
        ip = address.rpartition(":")[0]
        found = self._by_ip.get(ip)
        if found is None and self._version != self._store.version:
            self._look()
            found = self._by_ip.get(ip)
        return found

    def source(self, hop: Hop) -> Workload | None:
        """Who made the call: its listener's address is the pod's own. None for what comes from outside."""
        return self.at(hop.listener)

    def destination(self, hop: Hop) -> Workload | None:
        """Who answered."""
        return self.at(hop.upstream) if hop.upstream else None

    def _look(self) -> None:
        self._version = self._store.version
        for pod in self._store.of(Pod):
            if pod.status.pod_ip:
                self._by_ip[pod.status.pod_ip] = _workload(pod)


def _workload(pod: Pod) -> Workload:
    labels = pod.metadata.labels
    owner = next((each.name for each in pod.metadata.owner_references if each.controller), pod.metadata.name)
    return Workload(
        pod=pod.metadata.name,
        namespace=pod.metadata.namespace,
        owner=owner.rpartition("-")[0] or owner,
        service=labels.get(SERVICE_LABEL) or labels.get("app") or labels.get("app.kubernetes.io/name") or owner,
        version=labels.get("version", ""),
        branch=labels.get(BRANCH_LABEL, ""),
        account=pod.spec.service_account_name or "default",
    )

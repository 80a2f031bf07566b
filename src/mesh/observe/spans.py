"""A span: a hop, and who its two ends were when it was told."""

import msgspec

from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses, Workload
from mesh.resources.values.hosts import DOMAIN
from mesh.resources.values.ports import SIDECAR_PORT

GATEWAY = "gateway"
DEVELOPER = "developer"
UNKNOWN = "unknown"
# The port of the listeners that programs outside of the mesh call through.
DEVELOPER_PORT = f":{SIDECAR_PORT}"


class Span(msgspec.Struct, frozen=True, gc=False):
    """`caller` and `service` are "namespace/name", or "gateway", "developer" (a program that is no pod), the host of a
    ServiceEntry, "unknown". `source` is None for what is no pod, `destination` when no pod answered.
    """

    hop: Hop
    source: Workload | None
    destination: Workload | None
    caller: str
    service: str

    @property
    def failed(self) -> bool:
        """Whether the answer was an error of the server's side, or none."""
        return self.hop.status >= 500 or self.hop.status == 0


def host_of(cluster: str) -> str:
    """The host of a cluster's name (`outbound|7000|v1|products.mesh.svc.cluster.local`), "" for one without."""
    return cluster.rpartition("|")[2] if "|" in cluster else ""


def service_of(host: str) -> str:
    """A host as people name it: "namespace/name" for a Service of the mesh, others as they are."""
    name, _, rest = host.partition(".")
    namespace, _, domain = rest.partition(".")
    return f"{namespace}/{name}" if domain == f"svc.{DOMAIN}" else host


class Spans:
    """Makes spans of hops."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._services: dict[str, str] = {}

    def of(self, hop: Hop) -> Span:
        source, destination = self._addresses.source(hop), self._addresses.destination(hop)
        if source is not None:
            caller = source.known_as
        else:
            caller = DEVELOPER if hop.listener.endswith(DEVELOPER_PORT) else GATEWAY
        service = destination.known_as if destination is not None else self._asked(hop.cluster)
        return Span(hop, source, destination, caller, service)

    def _asked(self, cluster: str) -> str:
        found = self._services.get(cluster)
        if found is None:
            if len(self._services) > 10_000:
                self._services.clear()
            found = self._services[cluster] = service_of(host_of(cluster)) or UNKNOWN
        return found

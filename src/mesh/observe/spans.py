"""A span: a hop with the identity of its two ends at the time when it was reported."""

from collections.abc import Iterable

import msgspec

from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses, Workload
from mesh.resources.values.hosts import DOMAIN
from mesh.resources.values.ports import SIDECAR_PORT

GATEWAY = "gateway"
DEVELOPER = "developer"
UNKNOWN = "unknown"
# The port of the listeners through which programs outside the mesh call.
DEVELOPER_PORT = f":{SIDECAR_PORT}"
MOST_REMEMBERED = 10_000
LONGEST_HOST = 253


class Span(msgspec.Struct, frozen=True, gc=False):
    """`caller` and `service` are "namespace/name", or "gateway", "developer" (a program that is not a pod), the host
    of a ServiceEntry, or "unknown". `source` is None if the caller is not a pod, `destination` if no pod answered.
    """

    hop: Hop
    source: Workload | None
    destination: Workload | None
    caller: str
    service: str

    @property
    def failed(self) -> bool:
        """Whether the response was a server error, or there was none."""
        if self.hop.is_tcp:
            return not self.hop.upstream and bool(self.hop.flags)
        return self.hop.status >= 500 or self.hop.status == 0


def host_of(cluster: str) -> str:
    """The host of a cluster's name (`outbound|7000|v1|products.mesh.svc.cluster.local`), "" for one without."""
    return cluster.rpartition("|")[2] if "|" in cluster else ""


def service_of(host: str) -> str:
    """A host for display: "namespace/name" for a Service of the mesh, others as they are."""
    name, _, rest = host.partition(".")
    namespace, _, domain = rest.partition(".")
    return f"{namespace}/{name}" if domain == f"svc.{DOMAIN}" else host


class Spans:
    """Turns hops into spans."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._services: dict[str, str] = {}

    def of_all(self, hops: Iterable[Hop]) -> list[Span]:
        """The spans of hops, by the pods that there are now."""
        self._addresses.follow()
        return [self._of(hop) for hop in hops]

    def _of(self, hop: Hop) -> Span:
        source, destination = self._addresses.source(hop), self._addresses.destination(hop)
        if source is not None:
            caller = source.qualified_service
        else:
            caller = DEVELOPER if hop.listener.endswith(DEVELOPER_PORT) else GATEWAY
        if destination is not None:
            service = destination.qualified_service
        else:
            service = self._requested(hop.cluster) or self._addressed(hop.authority, source) or UNKNOWN
        return Span(hop, source, destination, caller, service)

    def _requested(self, cluster: str) -> str:
        """The service that was called, by the cluster's name, "" for none: remembered, since every request asks."""
        service = self._services.get(cluster)
        if service is None:
            if len(self._services) > MOST_REMEMBERED:
                self._services.clear()
            service = self._services[cluster] = service_of(host_of(cluster))
        return service

    def _addressed(self, authority: str, source: Workload | None) -> str:
        """The service that a pod meant, by the host that it wrote: what is down or does not exist keeps its name.

        "" for calls from outside, where anybody could fill the topology with names.
        """
        host = authority.rpartition("@")[2].partition(":")[0][:LONGEST_HOST].lower().removesuffix(".")
        if source is None or not host or host.startswith("["):
            return ""
        name, _, rest = host.partition(".")
        namespace, _, domain = rest.partition(".")
        if not rest:
            return f"{source.namespace}/{name}"
        if domain in ("", "svc") and self._addresses.has_namespace(namespace):
            return f"{namespace}/{name}"
        return service_of(host)

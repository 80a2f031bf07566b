"""The names of the clusters that rules' destinations stand for. Pure."""

from dataclasses import dataclass

from mesh.resources.istio.virtual_service import Destination
from mesh.resources.values.hosts import resolve
from mesh.routing.destinations.directory import Directory
from mesh.routing.destinations.views import Views, cluster_name


@dataclass(frozen=True, slots=True)
class ClusterNames:
    """Destinations as a namespace sees them, in rules for callers of a port.

    A name says nothing of whether the cluster exists: a subset that no DestinationRule has is a name too. The
    compilation adds clusters without endpoints for such names in the end (see `missing`). `only_called_port`: a Service
    without the port that is called is as good as missing where a destination names no port, as for HTTP inside Istio's
    mesh (pilot/pkg/networking/core/httproute.go).
    """

    directory: Directory
    views: Views
    namespace: str
    port: int
    only_called_port: bool = False

    def existing(self, destination: Destination, namespace: str) -> str | None:
        """The cluster of a destination as a rule of `namespace` writes it; None where no Service has the host."""
        service = self.directory.service(resolve(destination.host, namespace))
        if service is None:
            return None
        ports = service.spec.ports
        number = self.port
        if destination.port is not None:
            number = destination.port.number
        elif len(ports) == 1 and not self.only_called_port:
            # As in Istio, a Service's only port needs not be named.
            number = ports[0].port
        view = self.views.view(service.host, self.namespace)
        return cluster_name(number, destination.subset, service.host, view)

    def always(self, destination: Destination, namespace: str) -> str:
        """A cluster in any case: a missing Service's share of the requests gets 503, the others theirs."""
        existing = self.existing(destination, namespace)
        if existing is not None:
            return existing
        number = destination.port.number if destination.port is not None else self.port
        return cluster_name(number, destination.subset, resolve(destination.host, namespace))

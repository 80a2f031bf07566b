"""ServiceEntry (Istio networking.istio.io): a host outside the mesh, or one whose endpoints are listed."""

from msgspec import field

from mesh.resources.istio.common import IstioStatus
from mesh.resources.values.meta import Part, Resource


class ServiceEntryPort(Part, frozen=True):
    """`target_port` 0 is `number`."""

    number: int
    name: str = ""
    protocol: str = ""
    target_port: int = 0


class WorkloadEntry(Part, frozen=True):
    """One endpoint; `ports` are numbers by the name of the entry's port."""

    address: str = ""
    ports: dict[str, int] = {}
    labels: dict[str, str] = {}
    network: str = ""
    locality: str = ""
    weight: int = 0
    service_account: str = ""


class EntrySelector(Part, frozen=True):
    labels: dict[str, str] = {}


class ServiceEntrySpec(Part, frozen=True):
    hosts: list[str] = []
    addresses: list[str] = []
    ports: list[ServiceEntryPort] = []
    location: str = ""
    resolution: str = "NONE"
    endpoints: list[WorkloadEntry] = []
    workload_selector: EntrySelector | None = None
    export_to: list[str] = []
    subject_alt_names: list[str] = []


class ServiceEntry(Resource, frozen=True):
    spec: ServiceEntrySpec = field(default_factory=ServiceEntrySpec)
    status: IstioStatus = field(default_factory=IstioStatus)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that must be resolved for its endpoints; none when they are addresses or pods."""
        spec = self.spec
        if spec.resolution == "STATIC" or spec.workload_selector is not None:
            return ()
        listed = tuple(endpoint.address for endpoint in spec.endpoints)
        # Nobody can look up a wildcard: requests for it go where their own host is found.
        return listed or tuple(host for host in spec.hosts if not host.startswith("*"))

"""BackendTLSPolicy (gateway.networking.k8s.io): TLS that gateways speak to a Service's pods."""

from msgspec import field

from mesh.resources.gateway_api.references import LocalObjectReference
from mesh.resources.gateway_api.types import ParentReference
from mesh.resources.values.meta import Condition, Part, Resource

SYSTEM = "System"


class PolicyTargetReference(Part, frozen=True):
    """`section_name` is a port's name; "" means all ports that no policy names."""

    group: str
    kind: str
    name: str
    section_name: str = ""


class SubjectAltName(Part, frozen=True):
    """`type` is Hostname or URI; the field of that name holds the value."""

    type: str
    hostname: str = ""
    uri: str = ""

    @property
    def value(self) -> str:
        return self.hostname or self.uri


class BackendTLSPolicyValidation(Part, frozen=True):
    """`hostname` is asked for (SNI), and is what the certificate must be for unless there are `subject_alt_names`."""

    hostname: str
    ca_certificate_refs: list[LocalObjectReference] = []
    well_known_ca_certificates: str = field(default="", name="wellKnownCACertificates")
    subject_alt_names: list[SubjectAltName] = []


class BackendTLSPolicySpec(Part, frozen=True):
    target_refs: list[PolicyTargetReference]
    validation: BackendTLSPolicyValidation
    options: dict[str, str] = {}


class PolicyAncestorStatus(Part, frozen=True):
    ancestor_ref: ParentReference
    controller_name: str
    conditions: list[Condition] = []


class PolicyStatus(Part, frozen=True):
    ancestors: list[PolicyAncestorStatus] = []


class BackendTLSPolicy(Resource, frozen=True):
    spec: BackendTLSPolicySpec
    status: PolicyStatus = field(default_factory=PolicyStatus)

"""What the mesh knows about one kind of object, in one place.

`mesh.resources.kinds` has one `KindDefinition` per kind. Everything that differs between kinds is asked of it: nobody
else lists kinds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from mesh.resources.analysis.finding import Finding
from mesh.resources.analysis.rule_references import RuleTargets
from mesh.resources.columns.column import NAME_AND_AGE, Column
from mesh.resources.values.body import Body
from mesh.resources.values.meta import Resource
from mesh.resources.values.names import wrong_subdomain
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import GroupKind


class Routing(Enum):
    """How a kind takes part in routing. Whatever does is watched by `mesh.control` and compiled into the world."""

    NONE = "none"
    """Routing does not look at it."""

    INPUT = "input"
    """Routing reads it, but nothing that Envoy could refuse is made of it alone."""

    TARGET = "target"
    """What rules route to. Envoy can refuse it."""

    RULE = "rule"
    """It says where requests go, or which are allowed. Envoy can refuse it."""


class Conditions(Enum):
    """Which conditions the status of a kind carries."""

    NONE = "none"

    RULE = "rule"
    """Programmed, Accepted, ResolvedRefs and Conflicted, written by `mesh.control`."""

    REFUSAL = "refusal"
    """Programmed, from the first time that Envoy refuses the object; written by `mesh.control`."""

    OWN = "own"
    """The kind has a specification of its own for them, and a controller that follows it."""


class ScaleFields(Protocol):
    """Where objects of a user's kind have their numbers of replicas (`mesh.resources.custom.scale`)."""

    def read(self, body: Body) -> tuple[int | None, int, str]:
        """The replicas that are asked for (None where the object does not say), those there are, and the selector."""
        ...

    def scaled(self, body: Body, replicas: int) -> Body:
        """A copy of the object with another number of replicas."""
        ...


class CustomKind(Protocol):
    """What a CustomResourceDefinition says about its kind (`mesh.resources.custom.definitions`)."""

    def fill(self, version: str, body: Body) -> None:
        """Writes the schema's defaults into an object."""
        ...

    def prune(self, version: str, body: Body) -> list[FieldError]:
        """Takes unknown fields out of an object, and names them."""
        ...

    def check(self, version: str, body: Body) -> list[FieldError]:
        """Everything that the schema does not allow."""
        ...

    def openapi(self, version: str) -> Body:
        """The schema (OpenAPIV3Schema)."""
        ...

    def columns(self, version: str) -> list[dict[str, Any]]:
        """additionalPrinterColumns."""
        ...

    def scale(self, version: str) -> "ScaleFields | None":
        """Where objects have their numbers of replicas; None for kinds that are not scaled."""
        ...

    @property
    def has_status(self) -> bool:
        """Whether `status` is a subresource, which ordinary writes leave alone."""
        ...


Errors = Iterator[FieldError]


def nothing(*_: Any) -> Errors:
    """The check of a kind that has none."""
    return iter(())


STATUS = frozenset({"status"})
SCALABLE = frozenset({"status", "scale"})


# As recorded from a kube-apiserver.
WITHOUT_GENERATION = frozenset(
    {
        *(("", kind) for kind in ("ConfigMap", "Endpoints", "Event", "LimitRange", "Namespace", "Node", "Secret")),
        *(("", kind) for kind in ("PersistentVolume", "PersistentVolumeClaim", "ResourceQuota", "Service")),
        ("", "ServiceAccount"),
        *(("rbac.authorization.k8s.io", kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")),
        ("coordination.k8s.io", "Lease"),
        *(("storage.k8s.io", kind) for kind in ("StorageClass", "CSIDriver", "CSINode", "CSIStorageCapacity")),
        *(("storage.k8s.io", kind) for kind in ("VolumeAttachment", "VolumeAttributesClass")),
        *(("resource.k8s.io", kind) for kind in ("ResourceClaim", "ResourceClaimTemplate")),
        *(("networking.k8s.io", kind) for kind in ("IPAddress", "ServiceCIDR")),
        *(("certificates.k8s.io", kind) for kind in ("CertificateSigningRequest", "ClusterTrustBundle")),
        ("certificates.k8s.io", "PodCertificateRequest"),
        ("node.k8s.io", "RuntimeClass"),
        ("apiregistration.k8s.io", "APIService"),
        ("storagemigration.k8s.io", "StorageVersionMigration"),
        ("apps", "ControllerRevision"),
        ("events.k8s.io", "Event"),
    }
)


@dataclass(frozen=True, slots=True)
class OtherForm:
    """How the objects of a kind are stored as objects of another, and shown."""

    stored: GroupKind
    to_stored: Callable[[Body], Body]
    from_stored: Callable[[Body], Body]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KindDefinition:
    """One kind, by every name it has, and everything that is particular to it."""

    group: str = ""
    """"" for Kubernetes' core."""

    versions: tuple[str, ...] = ("v1",)
    """The first is the preferred one."""

    kind: str
    plural: str
    singular: str = ""
    """Defaults to the kind in lower case."""

    short_names: tuple[str, ...] = ()

    categories: tuple[str, ...] = ()
    """Names for several kinds together: `kubectl get all`."""

    namespaced: bool = True
    type: type[Resource]
    subresources: frozenset[str] = frozenset()

    columns: Sequence[Column] = NAME_AND_AGE
    """What `kubectl get` shows, in that order."""

    wrong_name: Callable[[str], str] = wrong_subdomain
    """Why a name cannot be one of this kind; "" when it can."""

    fill: Callable[[Body], None] | None = None
    """Writes the defaults of Kubernetes' API server into an object, in place."""

    complete: Callable[[Body, str], None] | None = None
    """Writes what depends on the object's uid into it, in place, whenever a user stores it."""

    check: Callable[[Any], Errors] = nothing
    """What one object alone can get wrong beyond its structure, paths relative to it."""

    check_creation: Callable[[Any], Errors] = nothing
    """What an object cannot have when it is created, and can have later."""

    check_update: Callable[[Any, Any], Errors] = nothing
    """What may not change once an object is stored: old and new object."""

    prepare_update: Callable[[Body, Body], Body] | None = None
    """What is stored and what is to replace it, before it is checked; returns the latter without what its change
    makes obsolete."""

    check_status: Callable[[Any], Errors] = nothing
    """What the status can get wrong when it is written through its subresource: the whole object."""

    advise: Callable[[Any], Errors] = nothing
    """What is allowed in an object and hardly meant: shown as warnings."""

    check_references: Callable[[Any, RuleTargets], Iterator[Finding]] | None = None
    """Whether a rule names what is there, among all objects as they would be after a change."""

    shape: str = ""
    """For kinds without a struct: the shape (`mesh.resources.shapes`) that describes what follows the metadata."""

    check_body: Callable[[Body], Errors] = nothing
    """What an object of a kind without a struct can get wrong beyond its shape."""

    check_body_update: Callable[[Body, Body], Errors] = nothing
    """What may not change in an object of a kind without a struct: old and new body."""

    references: frozenset[GroupKind] = frozenset()
    """The kinds that its objects name, as far as a change of either is checked against the other."""

    routing: Routing = Routing.NONE
    conditions: Conditions = Conditions.NONE

    made_by: str = "user"
    """"mesh" for kinds that the mesh alone writes."""

    persistent: bool = True
    """Whether objects outlive the daemon."""

    to_first_version: Callable[[Body], Body] | None = None
    """Gives an object of any version the form of the first one, in which it is stored; None when all have one form."""

    at_version: Callable[[Body, str], Body] | None = None
    """A stored object in the form of a version: the counterpart of `to_first_version`."""

    form_of: OtherForm | None = None
    """Set for a kind whose objects are those of another kind, stored as such, and only look different."""

    no_effect: str = ""
    """Why objects of this kind mean nothing on one machine; completes "has no effect here: "."""

    custom: CustomKind | None = None
    """Set for kinds that a user has defined."""

    def __post_init__(self) -> None:
        if not self.singular:
            object.__setattr__(self, "singular", self.kind.lower())

    @property
    def group_kind(self) -> GroupKind:
        """The identity of the kind."""
        return GroupKind(self.group, self.kind)

    @property
    def stored_kind(self) -> GroupKind:
        """The kind that the store has its objects under."""
        return self.form_of.stored if self.form_of is not None else self.group_kind

    @property
    def has_generation(self) -> bool:
        """Whether clients see metadata.generation, which Kubernetes gives to kinds that have a desired state."""
        return (self.group, self.kind) not in WITHOUT_GENERATION

    @property
    def built_in(self) -> bool:
        """Whether Kubernetes itself has the kind; others come to a cluster by a CustomResourceDefinition."""
        return "." not in self.group or (self.group.endswith(".k8s.io") and not self.group.startswith("gateway."))

    @property
    def api_versions(self) -> tuple[str, ...]:
        """As manifests write them: `v1`, `apps/v1`, ..."""
        return tuple(f"{self.group}/{version}" if self.group else version for version in self.versions)

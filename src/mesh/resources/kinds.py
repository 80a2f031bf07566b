"""The kinds that the mesh knows, by every name they have."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from mesh.resources.core.config import ConfigMap, Event, Namespace, Secret, ServiceAccount
from mesh.resources.core.deployment import Deployment, ReplicaSet
from mesh.resources.core.endpoint_slice import EndpointSlice
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.custom.untyped import Untyped
from mesh.resources.gateway_api.types import GROUP as GATEWAY_API
from mesh.resources.gateway_api.types import Gateway as ApiGateway
from mesh.resources.gateway_api.types import GatewayClass, GRPCRoute, HTTPRoute, ReferenceGrant
from mesh.resources.inert_kinds import INERT_KINDS
from mesh.resources.istio.authorization_policy import AuthorizationPolicy
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.gateway import Gateway
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.istio.sidecar import Sidecar
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.meshmall.branch import GROUP as MESHMALL
from mesh.resources.meshmall.branch import Branch
from mesh.resources.values.meta import Resource
from mesh.resources.values.problems import FieldError

ISTIO = "networking.istio.io"
SECURITY = "security.istio.io"
ISTIO_VERSIONS = ("v1", "v1beta1", "v1alpha3")


class CustomKind(Protocol):
    """What a user's definition says of a kind (`mesh.resources.custom.definitions`)."""

    def fill(self, version: str, body: dict[str, Any]) -> None:
        """Writes the schema's defaults into an object."""
        ...

    def check(self, version: str, body: dict[str, Any]) -> list[FieldError]:
        """All that the schema does not allow."""
        ...

    def openapi(self, version: str) -> dict[str, Any]:
        """The schema (OpenAPIV3Schema)."""
        ...

    def columns(self, version: str) -> list[dict[str, Any]]:
        """additionalPrinterColumns."""
        ...

    @property
    def has_status(self) -> bool:
        """Whether `status` is a subresource, which ordinary writes leave alone."""
        ...


class KindInfo(NamedTuple):
    """`versions[0]` is the preferred one; `kept` tells whether objects outlive the daemon.

    Kinds `made_by` "mesh" are written by the mesh alone. `no_effect` says why objects of a kind mean nothing here.
    `custom` is set for kinds that a user has defined.
    """

    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    namespaced: bool
    type: type[Resource]
    made_by: str = "user"
    kept: bool = True
    no_effect: str = ""
    categories: tuple[str, ...] = ()
    custom: CustomKind | None = None

    @property
    def api_versions(self) -> tuple[str, ...]:
        """As manifests write them: `v1`, `apps/v1`, ..."""
        return tuple(f"{self.group}/{version}" if self.group else version for version in self.versions)


class Registry:
    """Finds a kind by group and kind, or by group and plural."""

    def __init__(self, infos: Sequence[KindInfo]) -> None:
        # The first of a name counts: a kind that has a meaning stands before the list of those without.
        self._by_kind = {(info.group, info.kind): info for info in reversed(infos)}
        infos = self._infos = tuple(info for info in infos if self._by_kind[info.group, info.kind] is info)
        self._by_plural = {(info.group, info.plural): info for info in infos}
        self._by_type = {info.type: info for info in infos if info.type is not Untyped}

    def by_kind(self, group: str, kind: str) -> KindInfo | None:
        return self._by_kind.get((group, kind))

    def by_plural(self, group: str, plural: str) -> KindInfo | None:
        return self._by_plural.get((group, plural))

    def by_type(self, type_: type[Resource]) -> KindInfo:
        return self._by_type[type_]

    def all(self) -> tuple[KindInfo, ...]:
        return self._infos


REGISTRY = Registry(
    (
        KindInfo("", ("v1",), "Namespace", "namespaces", "namespace", ("ns",), False, Namespace),
        KindInfo("", ("v1",), "Pod", "pods", "pod", ("po",), True, Pod, "mesh", kept=False),
        KindInfo("", ("v1",), "Service", "services", "service", ("svc",), True, Service),
        KindInfo("", ("v1",), "ConfigMap", "configmaps", "configmap", ("cm",), True, ConfigMap),
        KindInfo("", ("v1",), "Secret", "secrets", "secret", (), True, Secret),
        KindInfo("", ("v1",), "ServiceAccount", "serviceaccounts", "serviceaccount", ("sa",), True,
            ServiceAccount,
        ),
        KindInfo("", ("v1",), "Event", "events", "event", ("ev",), True, Event, "mesh", kept=False),
        KindInfo("apps", ("v1",), "Deployment", "deployments", "deployment", ("deploy",), True, Deployment),
        KindInfo("apps", ("v1",), "ReplicaSet", "replicasets", "replicaset", ("rs",), True, ReplicaSet,
            "mesh",
        ),
        KindInfo(
            "discovery.k8s.io", ("v1",), "EndpointSlice", "endpointslices", "endpointslice", (), True,
            EndpointSlice, "mesh", kept=False,
        ),
        KindInfo(MESHMALL, ("v1",), "Branch", "branches", "branch", ("br",), True, Branch),
        KindInfo(ISTIO, ISTIO_VERSIONS, "Gateway", "gateways", "gateway", ("gw",), True, Gateway),
        KindInfo(
            ISTIO, ISTIO_VERSIONS, "VirtualService", "virtualservices", "virtualservice", ("vs",), True,
            VirtualService,
        ),
        KindInfo(
            ISTIO, ISTIO_VERSIONS, "DestinationRule", "destinationrules", "destinationrule", ("dr",), True,
            DestinationRule,
        ),
        KindInfo(
            ISTIO, ISTIO_VERSIONS, "ServiceEntry", "serviceentries", "serviceentry", ("se",), True, ServiceEntry,
        ),
        KindInfo(ISTIO, ISTIO_VERSIONS, "Sidecar", "sidecars", "sidecar", (), True, Sidecar),
        KindInfo(
            SECURITY, ("v1", "v1beta1"), "AuthorizationPolicy", "authorizationpolicies", "authorizationpolicy", ("ap",),
            True, AuthorizationPolicy,
        ),
        KindInfo(
            SECURITY, ("v1", "v1beta1"), "RequestAuthentication", "requestauthentications", "requestauthentication",
            ("ra",), True, RequestAuthentication,
        ),
        KindInfo(
            GATEWAY_API, ("v1",), "GatewayClass", "gatewayclasses", "gatewayclass", ("gc",), False, GatewayClass,
        ),
        KindInfo(GATEWAY_API, ("v1",), "Gateway", "gateways", "gateway", ("gtw",), True, ApiGateway),
        KindInfo(GATEWAY_API, ("v1",), "HTTPRoute", "httproutes", "httproute", (), True, HTTPRoute),
        KindInfo(GATEWAY_API, ("v1",), "GRPCRoute", "grpcroutes", "grpcroute", (), True, GRPCRoute),
        KindInfo(
            GATEWAY_API, ("v1", "v1beta1"), "ReferenceGrant", "referencegrants", "referencegrant", ("refgrant",), True,
            ReferenceGrant,
        ),
        KindInfo("", ("v1",), "Endpoints", "endpoints", "endpoints", ("ep",), True, Untyped, "mesh", kept=False),
        KindInfo("", ("v1",), "Node", "nodes", "node", ("no",), False, Untyped, "mesh", kept=False),
        KindInfo(
            "apiextensions.k8s.io", ("v1",), "CustomResourceDefinition", "customresourcedefinitions",
            "customresourcedefinition", ("crd", "crds"), False, Untyped,
        ),
        *(
            KindInfo(
                each.group, tuple(each.versions.split()), each.kind, each.plural, each.kind.lower(),
                tuple(each.short.split()), each.namespaced, Untyped, no_effect=each.reason,
            )
            for each in INERT_KINDS
        ),
    )
)  # fmt: skip

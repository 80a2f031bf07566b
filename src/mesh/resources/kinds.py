"""The kinds that the mesh has: one definition each.

A new kind is an entry here and its own files: its struct, its checks, its columns.
"""

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
from mesh.resources.kind_definition import SCALABLE, STATUS, Conditions, KindDefinition, Routing
from mesh.resources.meshmall.branch import GROUP as MESHMALL
from mesh.resources.meshmall.branch import Branch
from mesh.resources.registry import Registry

ISTIO = "networking.istio.io"
SECURITY = "security.istio.io"
ISTIO_VERSIONS = ("v1", "v1beta1", "v1alpha3")


REGISTRY = Registry(
    (
        KindDefinition(
            kind="Namespace",
            plural="namespaces",
            singular="namespace",
            short_names=("ns",),
            namespaced=False,
            type=Namespace,
            subresources=STATUS,
            routing=Routing.INPUT,
        ),
        KindDefinition(
            kind="Pod",
            plural="pods",
            singular="pod",
            short_names=("po",),
            categories=("all",),
            type=Pod,
            subresources=STATUS | {"log"},
            routing=Routing.INPUT,
            conditions=Conditions.OWN,
            made_by="mesh",
            kept=False,
        ),
        KindDefinition(
            kind="Service",
            plural="services",
            singular="service",
            short_names=("svc",),
            categories=("all",),
            type=Service,
            subresources=STATUS,
            routing=Routing.TARGET,
            conditions=Conditions.REFUSAL,
        ),
        KindDefinition(
            kind="ConfigMap",
            plural="configmaps",
            singular="configmap",
            short_names=("cm",),
            type=ConfigMap,
        ),
        KindDefinition(
            kind="Secret",
            plural="secrets",
            singular="secret",
            type=Secret,
            routing=Routing.INPUT,
        ),
        KindDefinition(
            kind="ServiceAccount",
            plural="serviceaccounts",
            singular="serviceaccount",
            short_names=("sa",),
            type=ServiceAccount,
        ),
        KindDefinition(
            kind="Event",
            plural="events",
            singular="event",
            short_names=("ev",),
            type=Event,
            made_by="mesh",
            kept=False,
        ),
        KindDefinition(
            group="apps",
            kind="Deployment",
            plural="deployments",
            singular="deployment",
            short_names=("deploy",),
            categories=("all",),
            type=Deployment,
            subresources=SCALABLE,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group="apps",
            kind="ReplicaSet",
            plural="replicasets",
            singular="replicaset",
            short_names=("rs",),
            categories=("all",),
            type=ReplicaSet,
            subresources=SCALABLE,
            made_by="mesh",
        ),
        KindDefinition(
            group="discovery.k8s.io",
            kind="EndpointSlice",
            plural="endpointslices",
            singular="endpointslice",
            type=EndpointSlice,
            made_by="mesh",
            kept=False,
        ),
        KindDefinition(
            group=MESHMALL,
            kind="Branch",
            plural="branches",
            singular="branch",
            short_names=("br",),
            type=Branch,
            subresources=STATUS,
            routing=Routing.INPUT,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="Gateway",
            plural="gateways",
            singular="gateway",
            short_names=("gw",),
            type=Gateway,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="VirtualService",
            plural="virtualservices",
            singular="virtualservice",
            short_names=("vs",),
            type=VirtualService,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="DestinationRule",
            plural="destinationrules",
            singular="destinationrule",
            short_names=("dr",),
            type=DestinationRule,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="ServiceEntry",
            plural="serviceentries",
            singular="serviceentry",
            short_names=("se",),
            type=ServiceEntry,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="Sidecar",
            plural="sidecars",
            singular="sidecar",
            type=Sidecar,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=SECURITY,
            versions=("v1", "v1beta1"),
            kind="AuthorizationPolicy",
            plural="authorizationpolicies",
            singular="authorizationpolicy",
            short_names=("ap",),
            type=AuthorizationPolicy,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=SECURITY,
            versions=("v1", "v1beta1"),
            kind="RequestAuthentication",
            plural="requestauthentications",
            singular="requestauthentication",
            short_names=("ra",),
            type=RequestAuthentication,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=GATEWAY_API,
            kind="GatewayClass",
            plural="gatewayclasses",
            singular="gatewayclass",
            short_names=("gc",),
            namespaced=False,
            type=GatewayClass,
            subresources=STATUS,
            routing=Routing.INPUT,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            kind="Gateway",
            plural="gateways",
            singular="gateway",
            short_names=("gtw",),
            type=ApiGateway,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            kind="HTTPRoute",
            plural="httproutes",
            singular="httproute",
            type=HTTPRoute,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            kind="GRPCRoute",
            plural="grpcroutes",
            singular="grpcroute",
            type=GRPCRoute,
            subresources=STATUS,
            routing=Routing.RULE,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            versions=("v1", "v1beta1"),
            kind="ReferenceGrant",
            plural="referencegrants",
            singular="referencegrant",
            short_names=("refgrant",),
            type=ReferenceGrant,
            routing=Routing.INPUT,
        ),
        KindDefinition(
            kind="Endpoints",
            plural="endpoints",
            singular="endpoints",
            short_names=("ep",),
            type=Untyped,
            subresources=STATUS,
            made_by="mesh",
            kept=False,
        ),
        KindDefinition(
            kind="Node",
            plural="nodes",
            singular="node",
            short_names=("no",),
            namespaced=False,
            type=Untyped,
            subresources=STATUS,
            conditions=Conditions.OWN,
            made_by="mesh",
            kept=False,
        ),
        KindDefinition(
            group="apiextensions.k8s.io",
            kind="CustomResourceDefinition",
            plural="customresourcedefinitions",
            singular="customresourcedefinition",
            short_names=("crd", "crds"),
            namespaced=False,
            type=Untyped,
            subresources=STATUS,
            conditions=Conditions.OWN,
        ),
        *(inert_kind.definition() for inert_kind in INERT_KINDS),
    )
)

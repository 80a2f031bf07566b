"""The kinds that the mesh has: one definition each.

A new kind is an entry here and its own files: its struct, its checks, its columns.
"""

from mesh.resources.analysis.advice import (
    advise_destination_rule,
    advise_pod,
    advise_virtual_service,
    advise_workload,
)
from mesh.resources.analysis.ignored import (
    advise_authorization_policy,
    advise_request_authentication,
    advise_service_entry,
    advise_sidecar,
)
from mesh.resources.analysis.rule_references import (
    check_destination_rule_references,
    check_gateway_references,
    check_virtual_service_references,
)
from mesh.resources.checks.authorization_policy import check_authorization_policy
from mesh.resources.checks.batch import check_cron_job, check_job, check_job_update
from mesh.resources.checks.branch import check_branch
from mesh.resources.checks.config import (
    check_config_map,
    check_config_map_update,
    check_secret,
    check_secret_update,
)
from mesh.resources.checks.destination_rule import check_destination_rule
from mesh.resources.checks.endpoint_slice import check_endpoint_slice, check_endpoint_slice_update
from mesh.resources.checks.gateway import check_gateway
from mesh.resources.checks.gateway_api import (
    check_api_gateway,
    check_gateway_class,
    check_grpc_route,
    check_http_route,
    check_reference_grant,
)
from mesh.resources.checks.pod import check_pod, check_pod_creation, check_pod_update
from mesh.resources.checks.request_authentication import check_request_authentication
from mesh.resources.checks.service import advise_service, check_service, check_service_update
from mesh.resources.checks.service_entry import check_service_entry
from mesh.resources.checks.sidecar import check_sidecar
from mesh.resources.checks.virtual_service import check_virtual_service
from mesh.resources.checks.workload import (
    check_deployment,
    check_workload,
    check_workload_status,
    check_workload_update,
)
from mesh.resources.columns import batch, core, gateway_api, istio, meshmall, pods
from mesh.resources.columns.node import NODE
from mesh.resources.core.batch import CronJob, Job
from mesh.resources.core.config import ConfigMap, Event, Namespace, Secret, ServiceAccount
from mesh.resources.core.deployment import Deployment, ReplicaSet
from mesh.resources.core.endpoint_slice import EndpointSlice
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service
from mesh.resources.custom.untyped import Untyped
from mesh.resources.gateway_api.types import GROUP as GATEWAY_API
from mesh.resources.gateway_api.types import Gateway as ApiGateway
from mesh.resources.gateway_api.types import GatewayClass, GRPCRoute, HTTPRoute, ReferenceGrant
from mesh.resources.gateway_kinds import GATEWAY_KINDS
from mesh.resources.inert_kinds import CHECKS, INERT_KINDS, later
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
from mesh.resources.network_kinds import NETWORK_KINDS
from mesh.resources.registry import Registry
from mesh.resources.validation.defaults import (
    complete_job,
    fill_cron_job,
    fill_deployment,
    fill_endpoint_slice,
    fill_endpoints,
    fill_event,
    fill_job,
    fill_namespace,
    fill_replica_set,
    fill_secret,
    fill_service,
)
from mesh.resources.validation.gateway_api_defaults import fill_gateway, fill_grpc_route, fill_http_route
from mesh.resources.validation.pod_defaults import fill_pod
from mesh.resources.validation.transitions import without_fields_of_old_type
from mesh.resources.values.names import wrong_label
from mesh.resources.values.ref import (
    BRANCH,
    DEPLOYMENT,
    DESTINATION_RULE,
    ISTIO_GATEWAY,
    SERVICE,
    SERVICE_ENTRY,
    STATEFUL_SET,
    VIRTUAL_SERVICE,
)
from mesh.resources.workload_kinds import WORKLOAD_KINDS

ISTIO = "networking.istio.io"
SECURITY = "security.istio.io"
ISTIO_VERSIONS = ("v1", "v1beta1", "v1alpha3")


REGISTRY = Registry(
    (
        KindDefinition(
            kind="Namespace",
            plural="namespaces",
            short_names=("ns",),
            namespaced=False,
            type=Namespace,
            columns=core.NAMESPACE,
            subresources=STATUS,
            wrong_name=wrong_label,
            fill=fill_namespace,
            routing=Routing.INPUT,
        ),
        KindDefinition(
            kind="Pod",
            plural="pods",
            short_names=("po",),
            categories=("all",),
            type=Pod,
            columns=pods.POD,
            subresources=STATUS | {"ephemeralcontainers", "log", "exec", "attach", "portforward", "eviction"},
            fill=fill_pod,
            check=check_pod,
            check_creation=check_pod_creation,
            check_update=check_pod_update,
            advise=advise_pod,
            routing=Routing.INPUT,
            conditions=Conditions.OWN,
            made_by="mesh",
        ),
        KindDefinition(
            kind="Service",
            plural="services",
            short_names=("svc",),
            categories=("all",),
            type=Service,
            columns=core.SERVICE,
            subresources=STATUS,
            wrong_name=wrong_label,
            fill=fill_service,
            check=check_service,
            prepare_update=without_fields_of_old_type,
            advise=advise_service,
            check_update=check_service_update,
            routing=Routing.TARGET,
            conditions=Conditions.REFUSAL,
        ),
        KindDefinition(
            kind="ConfigMap",
            plural="configmaps",
            short_names=("cm",),
            type=ConfigMap,
            columns=core.CONFIG_MAP,
            check=check_config_map,
            check_update=check_config_map_update,
            routing=Routing.INPUT,
        ),
        KindDefinition(
            kind="Secret",
            plural="secrets",
            type=Secret,
            columns=core.SECRET,
            fill=fill_secret,
            check=check_secret,
            check_update=check_secret_update,
            routing=Routing.INPUT,
        ),
        KindDefinition(
            kind="ServiceAccount",
            plural="serviceaccounts",
            short_names=("sa",),
            type=ServiceAccount,
            subresources=frozenset({"token"}),
        ),
        KindDefinition(
            kind="Event",
            plural="events",
            short_names=("ev",),
            type=Event,
            columns=core.EVENT,
            fill=fill_event,
            made_by="mesh",
            persistent=False,
        ),
        KindDefinition(
            group="apps",
            kind="Deployment",
            plural="deployments",
            short_names=("deploy",),
            categories=("all",),
            type=Deployment,
            columns=core.DEPLOYMENT,
            subresources=SCALABLE,
            fill=fill_deployment,
            check=check_deployment,
            check_update=check_workload_update,
            check_status=check_workload_status,
            advise=advise_workload,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group="apps",
            kind="ReplicaSet",
            plural="replicasets",
            short_names=("rs",),
            categories=("all",),
            type=ReplicaSet,
            columns=core.REPLICA_SET,
            subresources=SCALABLE,
            fill=fill_replica_set,
            check=check_workload,
            check_update=check_workload_update,
            check_status=check_workload_status,
            advise=advise_workload,
            made_by="mesh",
        ),
        KindDefinition(
            group="batch",
            kind="Job",
            plural="jobs",
            categories=("all",),
            type=Job,
            columns=batch.JOB,
            subresources=STATUS,
            fill=fill_job,
            complete=complete_job,
            check=check_job,
            check_update=check_job_update,
            advise=advise_workload,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group="batch",
            kind="CronJob",
            plural="cronjobs",
            short_names=("cj",),
            categories=("all",),
            type=CronJob,
            columns=batch.CRON_JOB,
            subresources=STATUS,
            fill=fill_cron_job,
            check=check_cron_job,
        ),
        KindDefinition(
            group="discovery.k8s.io",
            kind="EndpointSlice",
            plural="endpointslices",
            type=EndpointSlice,
            columns=core.ENDPOINT_SLICE,
            fill=fill_endpoint_slice,
            check=check_endpoint_slice,
            check_update=check_endpoint_slice_update,
            made_by="mesh",
            routing=Routing.INPUT,
        ),
        KindDefinition(
            group=MESHMALL,
            kind="Branch",
            plural="branches",
            short_names=("br",),
            type=Branch,
            columns=meshmall.BRANCH,
            subresources=STATUS,
            check=check_branch,
            references=frozenset((SERVICE, DEPLOYMENT, STATEFUL_SET, DESTINATION_RULE, BRANCH)),
            routing=Routing.INPUT,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="Gateway",
            plural="gateways",
            short_names=("gw",),
            type=Gateway,
            columns=istio.RULE,
            subresources=STATUS,
            check=check_gateway,
            check_references=check_gateway_references,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="VirtualService",
            plural="virtualservices",
            short_names=("vs",),
            type=VirtualService,
            columns=istio.VIRTUAL_SERVICE,
            subresources=STATUS,
            check=check_virtual_service,
            advise=advise_virtual_service,
            check_references=check_virtual_service_references,
            references=frozenset((SERVICE, SERVICE_ENTRY, ISTIO_GATEWAY, DESTINATION_RULE, VIRTUAL_SERVICE)),
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="DestinationRule",
            plural="destinationrules",
            short_names=("dr",),
            type=DestinationRule,
            columns=istio.DESTINATION_RULE,
            subresources=STATUS,
            check=check_destination_rule,
            advise=advise_destination_rule,
            check_references=check_destination_rule_references,
            references=frozenset((SERVICE, SERVICE_ENTRY)),
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="ServiceEntry",
            plural="serviceentries",
            short_names=("se",),
            type=ServiceEntry,
            columns=istio.SERVICE_ENTRY,
            subresources=STATUS,
            check=check_service_entry,
            advise=advise_service_entry,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=ISTIO,
            versions=ISTIO_VERSIONS,
            kind="Sidecar",
            plural="sidecars",
            type=Sidecar,
            columns=istio.RULE,
            subresources=STATUS,
            check=check_sidecar,
            advise=advise_sidecar,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=SECURITY,
            versions=("v1", "v1beta1"),
            kind="AuthorizationPolicy",
            plural="authorizationpolicies",
            short_names=("ap",),
            type=AuthorizationPolicy,
            columns=istio.AUTHORIZATION_POLICY,
            subresources=STATUS,
            check=check_authorization_policy,
            advise=advise_authorization_policy,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=SECURITY,
            versions=("v1", "v1beta1"),
            kind="RequestAuthentication",
            plural="requestauthentications",
            short_names=("ra",),
            type=RequestAuthentication,
            columns=istio.RULE,
            subresources=STATUS,
            check=check_request_authentication,
            advise=advise_request_authentication,
            routing=Routing.RULE,
            conditions=Conditions.RULE,
        ),
        KindDefinition(
            group=GATEWAY_API,
            versions=("v1", "v1beta1"),
            kind="GatewayClass",
            plural="gatewayclasses",
            short_names=("gc",),
            namespaced=False,
            type=GatewayClass,
            columns=gateway_api.GATEWAY_CLASS,
            subresources=STATUS,
            check=check_gateway_class,
            routing=Routing.INPUT,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            versions=("v1", "v1beta1"),
            kind="Gateway",
            plural="gateways",
            short_names=("gtw",),
            type=ApiGateway,
            columns=gateway_api.GATEWAY,
            subresources=STATUS,
            fill=fill_gateway,
            check=check_api_gateway,
            routing=Routing.RULE,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            versions=("v1", "v1beta1"),
            kind="HTTPRoute",
            plural="httproutes",
            type=HTTPRoute,
            columns=gateway_api.ROUTE,
            subresources=STATUS,
            fill=fill_http_route,
            check=check_http_route,
            routing=Routing.RULE,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            kind="GRPCRoute",
            plural="grpcroutes",
            type=GRPCRoute,
            columns=gateway_api.ROUTE,
            subresources=STATUS,
            fill=fill_grpc_route,
            check=check_grpc_route,
            routing=Routing.RULE,
            conditions=Conditions.OWN,
        ),
        KindDefinition(
            group=GATEWAY_API,
            versions=("v1", "v1beta1"),
            kind="ReferenceGrant",
            plural="referencegrants",
            short_names=("refgrant",),
            type=ReferenceGrant,
            check=check_reference_grant,
            routing=Routing.INPUT,
        ),
        KindDefinition(
            kind="Endpoints",
            plural="endpoints",
            short_names=("ep",),
            type=Untyped,
            columns=core.ENDPOINTS,
            fill=fill_endpoints,
            made_by="mesh",
        ),
        KindDefinition(
            kind="Node",
            plural="nodes",
            short_names=("no",),
            namespaced=False,
            type=Untyped,
            columns=NODE,
            shape="Node",
            check_body=later(CHECKS, "check_node"),
            subresources=STATUS,
            conditions=Conditions.OWN,
            made_by="mesh",
            persistent=False,
        ),
        KindDefinition(
            group="apiextensions.k8s.io",
            kind="CustomResourceDefinition",
            plural="customresourcedefinitions",
            short_names=("crd", "crds"),
            namespaced=False,
            type=Untyped,
            columns=core.CUSTOM_RESOURCE_DEFINITION,
            shape="CustomResourceDefinition",
            subresources=STATUS,
            conditions=Conditions.OWN,
        ),
        *WORKLOAD_KINDS,
        *NETWORK_KINDS,
        *GATEWAY_KINDS,
        *(inert_kind.definition() for inert_kind in INERT_KINDS),
    )
)

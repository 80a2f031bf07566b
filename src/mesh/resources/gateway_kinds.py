"""The kinds of the Gateway API beside GatewayClass, Gateway, HTTPRoute and GRPCRoute.

A part of `mesh.resources.kinds`, which alone is asked.
"""

from collections.abc import Callable
from typing import Any

from mesh.resources.checks.backend_tls_policy import check_backend_tls_policy
from mesh.resources.checks.listener_set import check_listener_set, check_mesh, check_mesh_update
from mesh.resources.checks.stream_routes import check_stream_route, check_tls_route
from mesh.resources.columns import gateway_api
from mesh.resources.gateway_api.backend_tls_policy import BackendTLSPolicy
from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.mesh import GROUP as MESH_GROUP
from mesh.resources.gateway_api.mesh import XMesh
from mesh.resources.gateway_api.stream_routes import TCPRoute, TLSRoute, UDPRoute
from mesh.resources.gateway_api.types import GROUP
from mesh.resources.kind_definition import STATUS, Conditions, Errors, KindDefinition, Routing
from mesh.resources.validation.gateway_api_defaults import fill_listener_set, fill_stream_route
from mesh.resources.values.meta import Resource

CATEGORIES = ("gateway-api",)


def _stream_route(
    type_: type[Resource], plural: str, versions: tuple[str, ...], check: Callable[[Any], Errors]
) -> KindDefinition:
    """A kind of route for connections or datagrams."""
    return KindDefinition(
        group=GROUP,
        versions=("v1", *versions),
        kind=type_.__name__,
        plural=plural,
        categories=CATEGORIES,
        type=type_,
        subresources=STATUS,
        fill=fill_stream_route,
        check=check,
        routing=Routing.RULE,
        conditions=Conditions.OWN,
    )


GATEWAY_KINDS = (
    _stream_route(TLSRoute, "tlsroutes", ("v1alpha3", "v1alpha2"), check_tls_route),
    _stream_route(TCPRoute, "tcproutes", ("v1alpha2",), check_stream_route),
    _stream_route(UDPRoute, "udproutes", ("v1alpha2",), check_stream_route),
    KindDefinition(
        group=GROUP,
        kind="ListenerSet",
        plural="listenersets",
        short_names=("lset",),
        categories=CATEGORIES,
        type=ListenerSet,
        columns=gateway_api.LISTENER_SET,
        subresources=STATUS,
        fill=fill_listener_set,
        check=check_listener_set,
        routing=Routing.RULE,
        conditions=Conditions.OWN,
    ),
    KindDefinition(
        group=GROUP,
        versions=("v1", "v1alpha3"),
        kind="BackendTLSPolicy",
        plural="backendtlspolicies",
        short_names=("btlspolicy",),
        categories=CATEGORIES,
        type=BackendTLSPolicy,
        subresources=STATUS,
        check=check_backend_tls_policy,
        routing=Routing.RULE,
        conditions=Conditions.OWN,
    ),
    KindDefinition(
        group=MESH_GROUP,
        versions=("v1alpha1",),
        kind="XMesh",
        plural="xmeshes",
        short_names=("mesh",),
        categories=CATEGORIES,
        namespaced=False,
        type=XMesh,
        columns=gateway_api.MESH,
        subresources=STATUS,
        check=check_mesh,
        check_update=check_mesh_update,
        routing=Routing.INPUT,
        conditions=Conditions.OWN,
    ),
)

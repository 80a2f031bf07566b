"""The part of docs/conformance.md about the Gateway API: its conformance tests' features, and where we differ."""

_HERE = "tests/conformance/test_gateway_api.py::test_"
_YOUNGER = "of_a_VirtualService_and_a_younger_HTTPRoute_the_latter_counts_in_its_own_namespace_alone"
_STATUS = "tests/with_envoy/control/test_gateway_api.py::test_"
_E2E = "tests/e2e/test_gateway_api.py::test_"
_CHANGES = f"{_HERE}HTTPRouteRequestHeaderModifier_and_ResponseHeaderModifier"
_REDIRECT = f"{_HERE}HTTPRouteRedirectHostAndStatus_Path_Port_Scheme"
_REWRITE = f"{_HERE}HTTPRouteRewritePath_and_RewriteHost"
_MIRROR = f"{_HERE}HTTPRouteRequestMirror_and_MultipleMirrors"
_TIMES = f"{_HERE}HTTPRouteTimeoutRequest_and_BackendTimeout"
_SECRETS = f"{_HERE}HTTPRouteHTTPSListener_and_GatewaySecretReferenceGrant"
_FOREIGN = f"{_HERE}HTTPRouteCrossNamespace_and_ReferenceGrant"
_UNATTACHED = f"{_STATUS}a_route_that_is_not_attached_says_why"
_UNRESOLVED = f"{_STATUS}a_backend_that_cannot_be_used_is_told_and_is_taken_once_it_is_there"
_SHOWN = f"{_STATUS}a_gateway_shows_its_address_its_listeners_and_how_many_routes_they_have"
_CLASS = f"{_STATUS}a_class_of_ours_is_accepted_and_another_controllers_is_left_alone"
_CONFLICTS = f"{_STATUS}conflicts_and_what_is_not_served_are_told_by_each_listener"

# Features, and the test that shows each.
PASSED: dict[str, str] = {
    "GatewayClass: Accepted, supportedFeatures": _CLASS,
    "GatewayWithAttachedRoutes, HTTPRouteObservedGenerationBump": _SHOWN,
    "GatewayInvalidRouteKind, GatewayInvalidTLSConfiguration": _CONFLICTS,
    "GatewaySecretReferenceGrantSpecific, HTTPRouteHTTPSListener": _SECRETS,
    "GatewayHTTPListenerIsolation": f"{_HERE}GatewayHTTPListenerIsolation",
    "HTTPRouteSimpleSameNamespace": f"{_HERE}HTTPRouteSimpleSameNamespace",
    "HTTPRouteExactPathMatching": f"{_HERE}HTTPRouteExactPathMatching",
    "HTTPRouteMatching": f"{_HERE}HTTPRouteMatching",
    "HTTPRouteMatchingAcrossRoutes": f"{_HERE}HTTPRouteMatchingAcrossRoutes",
    "HTTPRoutePathMatchOrder": f"{_HERE}HTTPRoutePathMatchOrder",
    "HTTPRouteHeaderMatching": f"{_HERE}HTTPRouteHeaderMatching",
    "HTTPRouteQueryParamMatching": f"{_HERE}HTTPRouteQueryParamMatching",
    "HTTPRouteMethodMatching": f"{_HERE}HTTPRouteMethodMatching",
    "HTTPRouteListenerHostnameMatching": f"{_HERE}HTTPRouteListenerHostnameMatching",
    "HTTPRouteHostnameIntersection": f"{_HERE}HTTPRouteHostnameIntersection",
    "HTTPRouteWeight": f"{_HERE}HTTPRouteWeight",
    "HTTPRouteInvalidNonExistentBackendRef": f"{_HERE}HTTPRouteInvalidNonExistentBackendRef",
    "HTTPRouteInvalidBackendRefUnknownKind": _UNRESOLVED,
    "HTTPRouteCrossNamespace, HTTPRouteReferenceGrant, HTTPRouteInvalidReferenceGrant": _FOREIGN,
    "HTTPRouteInvalidParentRefNotMatchingSectionName, …CrossNamespaceParentRef, …ListenerHostname": _UNATTACHED,
    "allowedRoutes by labels": f"{_HERE}HTTPRouteAllowedRoutes_by_the_labels_of_namespaces",
    "HTTPRouteRequestHeaderModifier, …ResponseHeaderModifier, …BackendRequestHeaderModifier": _CHANGES,
    "HTTPRouteRedirectHostAndStatus, …RedirectPath, …RedirectPort, …RedirectScheme": _REDIRECT,
    "HTTPRouteRewritePath, HTTPRouteRewriteHost": _REWRITE,
    "HTTPRouteRequestMirror, …RequestMultipleMirrors, …RequestPercentageMirror": _MIRROR,
    "HTTPRouteCORS": f"{_HERE}HTTPRouteCORS",
    "HTTPRouteTimeoutRequest, HTTPRouteTimeoutBackendRequest": _TIMES,
    "MeshBasic, MeshPorts, MeshHTTPRouteMatching": f"{_HERE}MeshHTTPRoute_takes_the_calls_to_its_Service",
    "MeshConsumerRoute": f"{_HERE}MeshConsumerRoute_takes_the_calls_of_its_own_namespace",
    "GRPCRouteMethodMatching": f"{_HERE}GRPCRoute_methods_are_paths",
    "GRPCExactMethodMatching, GRPCRouteHeaderMatching (a real gRPC client, a Service as parent)": (
        f"{_E2E}a_manifest_of_the_gateway_api_runs_and_grpc_calls_follow_a_grpc_route"
    ),
    "a branch and an HTTPRoute": f"{_HERE}a_branch_decides_where_an_HTTPRoute_leads",
    "a VirtualService and an HTTPRoute": f"{_HERE}{_YOUNGER}",
}
NOT_SUPPORTED: dict[str, str] = {
    "TLSRoute, TCPRoute, UDPRoute, listeners of protocol TLS, TCP, UDP": (
        "stored with a warning; Istio's Gateway and VirtualService have them here; such a listener says "
        "UnsupportedProtocol"
    ),
    "GatewayStaticAddresses, GatewayInfrastructure": "all Gateways have the mesh's one address; a warning says so",
    "GatewayFrontendClientCertificateValidation, BackendTLSPolicy": "an Istio Gateway or DestinationRule does it here",
    "HTTPRouteBackendProtocolWebSocket": "as any request; not tested by its feature",
    "filters of a backendRef besides header modifiers; ExtensionRef": "refused, at the filter's path",
    "ListenerSet": "stored with a warning; only a Gateway's own listeners are served",
    "session persistence": "not in the standard channel; refused as an unknown field",
}
DIFFERENCES: dict[str, str] = {
    "classes": "`meshmall` is there from the start; `istio` is served too, so that a manifest for Istio runs as it is",
    "one address": (
        "the Gateways share the mesh's address: listeners of one port are served together, and of two that speak "
        "otherwise there (or have certificates for one name) the younger one is Conflicted"
    ),
    "ports": "80 and 443 are served at 8080 and 8443 (settings); redirects to the same host name those",
    "regular expressions in paths": "after exact paths and before prefixes, as Envoy Gateway orders them",
    "hostnames": "the most specific one that has routes takes a request, alone; wider ones are not asked after it",
    "an HTTPRoute and a VirtualService": (
        "for one Service: the VirtualService's rows come first; the route's parent says `Conflicted`. At a gateway: "
        "the VirtualService's rows come first"
    ),
    "HTTPRoutes and GRPCRoutes of one hostname": "are put together; the specification lets the older alone count",
    "a parent that is not there": "the route says so itself (NoMatchingParent)",
    "retries": "Istio's own (a connection that broke before the request left), besides `retry` of a rule",
}


def gateway_api() -> str:
    """The section, as Markdown."""
    lines = [
        "\n## Gateway API\n",
        "GatewayClass, Gateway, HTTPRoute, GRPCRoute, ReferenceGrant, with the status of the",
    ]
    lines.append("specification. Its conformance features, each with a real Envoy:\n")
    lines += ["| feature | state | shown by, or why |", "|---|---|---|"]
    lines += [f"| {name} | passed | `{test}` |" for name, test in PASSED.items()]
    lines += [f"| {name} | not supported | {why} |" for name, why in NOT_SUPPORTED.items()]
    lines += ["\n| where the specification leaves it open, or we do otherwise | here |", "|---|---|"]
    lines += [f"| {what} | {here} |" for what, here in DIFFERENCES.items()]
    return "\n".join(lines)

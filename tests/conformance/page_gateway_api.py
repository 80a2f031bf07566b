"""The part of docs/conformance.md about the Gateway API: its conformance tests' features, and where we differ."""

import yaml

from tests.support.places import ROOT

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
_STREAMS = "tests/conformance/test_gateway_streams.py::test_"
REPORT = ROOT / "docs" / "gateway-api-report.yaml"
PASSED: dict[str, str] = {
    "HTTPRouteMultipleGateways": f"{_STREAMS}routes_of_one_Gateway_are_not_reached_through_another",
    "ListenerSet": f"{_STREAMS}a_ListenerSet_s_listeners_have_routes_of_their_own",
    "HTTPRouteHTTPSListenerDetectMisdirectedRequests": (
        f"{_STREAMS}a_request_for_another_listener_s_host_is_misdirected"
    ),
    "TCPRoute": f"{_STREAMS}a_TCPRoute_takes_every_connection_of_its_port",
    "TLSRoute: terminate, passthrough, mixed": f"{_STREAMS}a_TLSRoute_ends_TLS_or_leaves_it_to_the_pod",
    "UDPRoute": f"{_STREAMS}a_UDPRoute_passes_datagrams_on_and_back",
    "GatewayFrontendClientCertificateValidation, …InsecureFallback": (
        f"{_STREAMS}clients_show_certificates_where_a_Gateway_asks_for_them"
    ),
    "BackendTLSPolicy, GatewayBackendClientCertificate": f"{_STREAMS}a_BackendTLSPolicy_makes_the_gateway_speak_TLS",
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
    "MeshClusterIPMatching": (
        "inside the mesh the `Host` header counts, as with Istio: a call to one Service's ClusterIP that names another "
        "Service follows the rules of the latter. The suite's MeshFrontendHostname wants the opposite"
    ),
    "filters of a backendRef besides header modifiers; ExtensionRef": "refused, at the filter's path",
    "session persistence, externalAuth, default Gateways": "not in the standard channel; refused as unknown fields",
    "Gateway.spec.addresses of type Hostname; parametersRef": "the Gateway says UnsupportedAddress, InvalidParameters",
}
DIFFERENCES: dict[str, str] = {
    "classes": "`meshmall` is there from the start; `istio` is served too, so that a manifest for Istio runs as it is",
    "addresses": (
        "each Gateway has an address of its own on loopback (status.addresses, or the one of spec.addresses); the "
        "oldest has the mesh's, unless Istio's Gateways or Ingresses serve one of its ports there. Nothing is merged"
    ),
    "ports": (
        "at the mesh's own address 80 and 443 are 8080 and 8443 (settings), and redirects to the same host name those; "
        "at other addresses they are 80 and 443 wherever the user may listen there (root, CAP_NET_BIND_SERVICE)"
    ),
    "regular expressions in paths": "after exact paths and before prefixes, as Envoy Gateway orders them",
    "hostnames": "the most specific one that has routes takes a request, alone; wider ones are not asked after it",
    "an HTTPRoute and a VirtualService": (
        "for one Service: the VirtualService's rows come first; the route's parent says `Conflicted`. At a gateway: "
        "the VirtualService's rows come first"
    ),
    "a parent that is not there": "the route says so itself (NoMatchingParent)",
    "retries": (
        "Istio's own (a connection that broke before the request left); `retry` of a rule also tries again after a "
        "broken connection and a `backendRequest` timeout, whatever had been sent"
    ),
    "what is made for a Gateway": "a ServiceAccount NAME-CLASS with the labels and annotations of spec.infrastructure",
    "BackendTLSPolicy": (
        "holds for gateways, not for calls between pods; requests to a Service whose policy cannot be used get 503"
    ),
}


def _of_suite() -> list[str]:
    """The report of the suite, as a table."""
    report = yaml.safe_load(REPORT.read_text())
    lines = ["| profile | core | extended features, all of which pass |", "|---|---|---|"]
    for profile in sorted(report["profiles"], key=lambda profile: str(profile["name"])):
        core, extended = profile["core"], profile.get("extended") or {}
        counted = core["statistics"]
        passed = f"{counted['Passed']} of {counted['Passed'] + counted['Failed']}"
        lines.append(f"| {profile['name']} | {passed} | {', '.join(extended.get('supportedFeatures') or ['-'])} |")
    version, day = report["gatewayAPIVersion"], report["date"][:10]
    lines.append(f"\nSuite {version}, {report['gatewayAPIChannel']} channel, {day}; [its report]({REPORT.name}).")
    return lines


def gateway_api() -> str:
    """The section, as Markdown."""
    lines = [
        "\n## Gateway API\n",
        "All kinds of the standard channel, and XMesh, with the status of the specification: see",
        "[Gateway API](gateway-api.md). What its own suite says (`make conformance`):\n",
        *_of_suite(),
        "\nWhat tests of our own show, each with a real Envoy:\n",
    ]
    lines += ["| feature | state | shown by, or why |", "|---|---|---|"]
    lines += [f"| {name} | passed | `{test}` |" for name, test in PASSED.items()]
    lines += [f"| {name} | not supported | {why} |" for name, why in NOT_SUPPORTED.items()]
    lines += ["\n| where the specification leaves it open, or we do otherwise | here |", "|---|---|"]
    lines += [f"| {what} | {here} |" for what, here in DIFFERENCES.items()]
    return "\n".join(lines)

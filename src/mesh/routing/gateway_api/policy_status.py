"""The status of BackendTLSPolicies: what becomes of them at each Gateway that calls their Services. Pure."""

from collections.abc import Iterator

from mesh.resources.gateway_api.backend_tls_policy import BackendTLSPolicy
from mesh.resources.gateway_api.types import CONTROLLER, GROUP
from mesh.resources.values.body import Body
from mesh.resources.values.ref import SERVICE
from mesh.routing.gateway_api.attachment import GatewayApi
from mesh.routing.gateway_api.conditions import condition
from mesh.routing.gateway_api.references import rules_of

# As many as the schema allows.
MOST_ANCESTORS = 16


def policy_status(policy: BackendTLSPolicy, api: GatewayApi) -> Body:
    """The same at each Gateway: what a policy says does not depend on who calls."""
    state = api.backend_tls.state(policy)
    conditions = [
        condition("Accepted", state.not_accepted, "Accepted", "gateways speak TLS to the Service", policy),
        condition("ResolvedRefs", state.unresolved, "ResolvedRefs", "all references are resolved", policy),
    ]
    ancestors = list(dict.fromkeys(_gateways(policy, api)))[:MOST_ANCESTORS]
    return {
        "ancestors": [
            {
                "ancestorRef": {"group": GROUP, "kind": "Gateway", "namespace": namespace, "name": name},
                "controllerName": CONTROLLER,
                "conditions": conditions,
            }
            for namespace, name in ancestors
        ]
    }


def _gateways(policy: BackendTLSPolicy, api: GatewayApi) -> Iterator[tuple[str, str]]:
    """The Gateways whose routes name a Service of the policy."""
    namespace = policy.metadata.namespace
    services = {
        (namespace, target.name) for target in policy.spec.target_refs if (target.group, target.kind) == SERVICE
    }
    for route in api.routes:
        named = {
            (ref.namespace or route.metadata.namespace, ref.name)
            for rule in rules_of(route)
            for ref in rule.backend_refs
            if (ref.group, ref.kind) == SERVICE
        }
        if named & services:
            for served in api.gateways_of(route):
                yield served.gateway.metadata.namespace, served.gateway.metadata.name

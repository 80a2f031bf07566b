"""Whether AuthorizationPolicies let a request through. Pure."""

from collections.abc import Sequence

from mesh.resources.values.identity import trust_domain
from mesh.routing.explain.match import claim_texts
from mesh.routing.explain.request import CannotTell, HttpRequest
from mesh.routing.model.listener import INGRESS, Source
from mesh.routing.model.security import Access, AccessRule, Condition
from mesh.routing.security.selection import fits

# Who calls a gateway: somebody without an identity in the mesh.
OUTSIDER = Source("", "", ())


def permits(layers: Sequence[Access], request: HttpRequest, source: Source | None) -> bool:
    """Whether every layer lets a request through; without a `source` the gateway calls, as Istio's own."""
    for layer in layers:
        caller = OUTSIDER if layer.at_gateway else source or INGRESS
        if any(_rule_fits(rule, request, caller) for rule in layer.deny):
            return False
        if layer.allow is not None and not any(_rule_fits(rule, request, caller) for rule in layer.allow):
            return False
    return True


def _rule_fits(rule: AccessRule, request: HttpRequest, caller: Source) -> bool:
    return (
        all(_condition_fits(condition, request, caller) for condition in rule.when)
        and _one_group_fits(rule.sources, request, caller)
        and _one_group_fits(rule.operations, request, caller)
    )


def _one_group_fits(groups: Sequence[Sequence[Condition]], request: HttpRequest, caller: Source) -> bool:
    return not groups or any(all(_condition_fits(part, request, caller) for part in group) for group in groups)


def _condition_fits(condition: Condition, request: HttpRequest, caller: Source) -> bool:
    match condition.what:
        case "principal":
            texts = ["" if caller is OUTSIDER else caller.principal]
        case "trust domain":
            texts = ["" if caller is OUTSIDER else trust_domain(caller.principal)]
        case "namespace":
            texts = [caller.namespace]
        case "path":
            texts = [request.path]
        case "request principal":
            claims = request.claims
            texts = [f"{claims['iss']}/{claims['sub']}" if claims.get("iss") and claims.get("sub") else ""]
        case "claim":
            texts = claim_texts(request.claims, condition.claim)
        case "ip" | "remote ip":
            raise CannotTell("who may call depends on the caller's address, which a dry run does not have")
        case "header :authority":
            texts = [request.authority.lower()]
        case header:
            texts = [request.value(header.removeprefix("header ")) or ""]
    return any(fits(value, text) for value in condition.values for text in texts) is not condition.negate

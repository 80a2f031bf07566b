"""RequestAuthentications to what a request's token must be for a destination, or at a gateway (Istio's meaning). Pure.

As with AuthorizationPolicies, what a cluster checks before the receiving pod is checked on the row that sends the
request there. What a gateway requires is checked before any row is chosen, so that rows can match claims.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mesh.resources.istio.ingress_gateway import LABELS, ROOT_NAMESPACE
from mesh.resources.istio.request_authentication import JWTRule, RequestAuthentication
from mesh.resources.values.meta import ref_of
from mesh.routing.model.security import Authentication, JwtProvider, Requirement
from mesh.routing.model.table import RouteTable
from mesh.routing.security.selection import is_for

# The authentication that rows refer to; a gateway's port has its own, under the name of its listener.
ROWS = "mesh.tokens"
# The claims that Istio takes for lists of words.
SPACE_DELIMITED = ("permission", "scope")


class Tokens:
    """The RequestAuthentications of a world, with the keys that were fetched for them."""

    def __init__(self, rules: Iterable[RequestAuthentication], keys: Mapping[str, str]) -> None:
        self._rules = tuple(rules)
        self._keys = keys

    def __bool__(self) -> bool:
        return bool(self._rules)

    def of(self, namespace: str, pods: Sequence[Mapping[str, str]]) -> Requirement:
        """The providers whose tokens pods with these labels take; without any, no token is checked."""
        return tuple(_names([rule for rule in self._rules if is_for(rule, namespace, pods)]))

    def of_rows(self, tables: Iterable[RouteTable]) -> Authentication:
        """What the rows of these tables require."""
        rows = (row for table in tables for host in table.hosts for row in host.routes) if self._rules else ()
        requirements = tuple(dict.fromkeys(row.authentication for row in rows if row.authentication))
        providers = {name for requirement in requirements for name in requirement}
        return self._built(ROWS, self._rules, providers, requirements, "row")

    def of_gateway(self, name: str, selectors: Sequence[Mapping[str, str]]) -> Authentication:
        """What every request that comes in by a gateway's port must fulfil."""
        pods = [{**LABELS, **selector} for selector in selectors]
        rules = [rule for rule in self._rules if is_for(rule, ROOT_NAMESPACE, pods)]
        requirement = tuple(_names(rules))
        return self._built(name, rules, set(requirement), (requirement,) if requirement else (), "gateway")

    def _built(
        self,
        name: str,
        rules: Sequence[RequestAuthentication],
        labels: set[str],
        requirements: tuple[Requirement, ...],
        payload: str,
    ) -> Authentication:
        providers = tuple(
            self._provider(label, jwt_rule, payload)
            for rule in rules
            for label, jwt_rule in _rules(rule)
            if label in labels
        )
        origins = tuple(ref_of(rule) for rule in rules if any(label in labels for label, _ in _rules(rule)))
        return Authentication(name, providers, requirements, origins, payload == "gateway")

    def _provider(self, name: str, rule: JWTRule, payload: str) -> JwtProvider:
        return JwtProvider(
            name=name,
            issuer=rule.issuer,
            keys=rule.jwks or self._keys.get(rule.uri, ""),
            payload=payload,
            audiences=tuple(rule.audiences),
            headers=tuple((header.name, header.prefix) for header in rule.from_headers),
            params=tuple(rule.from_params),
            cookies=tuple(rule.from_cookies),
            forward=rule.forward_original_token,
            payload_header=rule.output_payload_to_header,
            claim_headers=tuple((output.header, output.claim) for output in rule.output_claim_to_headers),
            required=rule.presence == "REQUIRED",
            space_delimited=tuple(sorted({*SPACE_DELIMITED, *rule.space_delimited_claims})),
        )


def _names(rules: Iterable[RequestAuthentication]) -> Iterator[str]:
    return (label for rule in rules for label, _ in _rules(rule))


def _rules(typed: RequestAuthentication) -> Iterator[tuple[str, JWTRule]]:
    """The rules of one object, each by the name of its provider."""
    meta = typed.metadata
    return ((f"{meta.namespace}/{meta.name}[{number}]", rule) for number, rule in enumerate(typed.spec.jwt_rules))

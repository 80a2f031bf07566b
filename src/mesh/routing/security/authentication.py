"""RequestAuthentications to what a request's token must be for a destination, or at a gateway (Istio's meaning). Pure.

As with AuthorizationPolicies, what a cluster checks before the receiving pod is checked on the row that sends the
request there. What a gateway asks for is asked before any row is chosen, so that rows can match what a token says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mesh.resources.istio.ingress_gateway import LABELS, ROOT_NAMESPACE
from mesh.resources.istio.request_authentication import JWTRule, RequestAuthentication
from mesh.resources.values.meta import ref_of
from mesh.routing.model.security import Authentication, JwtProvider, Requirement
from mesh.routing.model.table import RouteTable

# The authentication that rows ask; a gateway's port has its own, under the name of its listener.
ROWS = "mesh.tokens"
# What Istio takes for lists of words.
SPACE_DELIMITED = ("permission", "scope")


class Tokens:
    """The RequestAuthentications of a world, with the keys that were fetched for them."""

    def __init__(self, rules: Iterable[RequestAuthentication], keys: Mapping[str, str]) -> None:
        self._rules = tuple(rules)
        self._keys = keys

    def __bool__(self) -> bool:
        return bool(self._rules)

    def of(self, namespace: str, pods: Sequence[Mapping[str, str]]) -> Requirement:
        """The providers whose tokens pods with these labels take; none: no token is looked at."""
        return tuple(_names([each for each in self._rules if _is_for(each, namespace, pods)]))

    def of_rows(self, tables: Iterable[RouteTable]) -> Authentication:
        """What the rows of these tables ask."""
        rows = (row for table in tables for host in table.hosts for row in host.routes) if self._rules else ()
        asked = tuple(dict.fromkeys(row.authentication for row in rows if row.authentication))
        return self._built(ROWS, self._rules, {name for each in asked for name in each}, asked, "row")

    def of_gateway(self, name: str, selectors: Sequence[Mapping[str, str]]) -> Authentication:
        """What every request that comes in by a gateway's port must hold to."""
        pods = [{**LABELS, **selector} for selector in selectors]
        found = [each for each in self._rules if _is_for(each, ROOT_NAMESPACE, pods)]
        asked = tuple(_names(found))
        return self._built(name, found, set(asked), (asked,) if asked else (), "gateway")

    def _built(
        self,
        name: str,
        rules: Sequence[RequestAuthentication],
        named: set[str],
        asked: tuple[Requirement, ...],
        payload: str,
    ) -> Authentication:
        providers = tuple(
            self._provider(label, rule, payload) for each in rules for label, rule in _rules(each) if label in named
        )
        origins = tuple(ref_of(each) for each in rules if any(label in named for label, _ in _rules(each)))
        return Authentication(name, providers, asked, origins, payload == "gateway")

    def _provider(self, name: str, rule: JWTRule, payload: str) -> JwtProvider:
        return JwtProvider(
            name=name,
            issuer=rule.issuer,
            keys=rule.jwks or self._keys.get(rule.uri, ""),
            payload=payload,
            audiences=tuple(rule.audiences),
            headers=tuple((each.name, each.prefix) for each in rule.from_headers),
            params=tuple(rule.from_params),
            cookies=tuple(rule.from_cookies),
            forward=rule.forward_original_token,
            payload_header=rule.output_payload_to_header,
            claim_headers=tuple((each.header, each.claim) for each in rule.output_claim_to_headers),
            space_delimited=tuple(sorted({*SPACE_DELIMITED, *rule.space_delimited_claims})),
        )


def _is_for(rule: RequestAuthentication, namespace: str, pods: Sequence[Mapping[str, str]]) -> bool:
    if rule.metadata.namespace not in (namespace, ROOT_NAMESPACE):
        return False
    wanted = rule.spec.selector.match_labels if rule.spec.selector is not None else {}
    return not wanted or any(wanted.items() <= labels.items() for labels in pods)


def _names(rules: Iterable[RequestAuthentication]) -> Iterator[str]:
    return (label for each in rules for label, _ in _rules(each))


def _rules(typed: RequestAuthentication) -> Iterator[tuple[str, JWTRule]]:
    """The rules of one object, each by the name of its provider."""
    meta = typed.metadata
    return ((f"{meta.namespace}/{meta.name}[{number}]", rule) for number, rule in enumerate(typed.spec.jwt_rules))

"""The registry tells which kinds share a property, so that nobody else lists kinds."""

import dataclasses

from mesh.resources.custom.untyped import Untyped
from mesh.resources.kind_definition import KindDefinition, Routing
from mesh.resources.kinds import REGISTRY
from mesh.resources.registry import Registry

RULE = KindDefinition(group="example.com", kind="Rule", plural="rules", type=Untyped, routing=Routing.RULE)


def names(definitions: tuple[KindDefinition, ...]) -> set[str]:
    return {definition.kind for definition in definitions}


def test_the_first_definition_of_a_kind_counts() -> None:
    later = dataclasses.replace(RULE, no_effect="it comes too late")
    assert Registry((RULE, later)).all() == (RULE,)
    assert Registry((RULE, later)).by_kind("example.com", "Rule") is RULE


def test_routing_kinds_are_those_with_a_part_in_routing() -> None:
    target = dataclasses.replace(RULE, kind="Target", plural="targets", routing=Routing.TARGET)
    source = dataclasses.replace(RULE, kind="Source", plural="sources", routing=Routing.INPUT)
    other = dataclasses.replace(RULE, kind="Other", plural="others", routing=Routing.NONE)
    registry = Registry((RULE, target, source, other))
    assert names(registry.routing_kinds()) == {"Rule", "Target", "Source"}
    assert names(registry.refusable_kinds()) == {"Rule", "Target"}


def test_kinds_are_cross_checked_together_with_those_they_name() -> None:
    target = dataclasses.replace(RULE, kind="Target", plural="targets")
    other = dataclasses.replace(RULE, kind="Other", plural="others")
    rule = dataclasses.replace(
        RULE, check_references=lambda _typed, _targets: iter(()), references=frozenset((target.group_kind,))
    )
    assert names(Registry((rule, target, other)).cross_checked_kinds()) == {"Rule", "Target"}


def test_what_is_watched_and_compiled() -> None:
    assert names(REGISTRY.routing_kinds()) >= {
        "Namespace", "Pod", "Service", "Secret", "Branch", "Gateway", "VirtualService", "DestinationRule",
        "ServiceEntry", "Sidecar", "AuthorizationPolicy", "RequestAuthentication", "GatewayClass", "HTTPRoute",
        "GRPCRoute", "ReferenceGrant",
    }  # fmt: skip
    assert names(REGISTRY.cross_checked_kinds()) >= {
        "Service", "ServiceEntry", "VirtualService", "DestinationRule", "Gateway",
    }  # fmt: skip


def test_the_singular_is_the_kind_in_lower_case_unless_it_is_given() -> None:
    assert RULE.singular == "rule"
    assert dataclasses.replace(RULE, singular="ruling").singular == "ruling"

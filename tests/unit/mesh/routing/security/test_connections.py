"""Who may send bytes: what is of HTTP never allows, and never keeps a denial from holding."""

import pytest

from mesh.routing.model.security import Access, AccessRule, Condition
from mesh.routing.security.connections import Caller, may_connect

CALLER = Caller("cluster.local/ns/shop/sa/web", "shop", "10.244.1.7")


def source(what: str, *values: str, negate: bool = False) -> AccessRule:
    return AccessRule(sources=((Condition(what, values, negate),),))


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (AccessRule(), True),
        (source("principal", "cluster.local/ns/shop/sa/web"), True),
        (source("principal", "cluster.local/ns/shop/*"), True),
        (source("principal", "*/sa/web"), True),
        (source("principal", "*"), True),
        (source("principal", "cluster.local/ns/shop/sa/other"), False),
        (source("trust domain", "cluster.*"), True),
        (source("trust domain", "cluster.local/*"), False),
        (source("trust domain", "cluster.local", negate=True), False),
        (source("namespace", "shop"), True),
        (source("namespace", "shop", negate=True), False),
        (source("ip", "10.244.0.0/16"), True),
        (source("ip", "10.244.1.8"), False),
        (AccessRule(when=(Condition("namespace", ("other",)),)), False),
    ],
)
def test_a_rule_is_held_against_who_calls(rule: AccessRule, holds: bool) -> None:
    assert may_connect(Access(allow=(rule,)), CALLER) is holds
    assert may_connect(Access(deny=(rule,)), CALLER) is not holds


OF_HTTP = AccessRule(
    sources=((Condition("namespace", ("shop",)),),), operations=((Condition("header :method", ("GET",)),),)
)


def test_what_asks_for_something_of_http_allows_no_bytes_and_denies_them_by_the_rest() -> None:
    assert not may_connect(Access(allow=(OF_HTTP,)), CALLER)
    assert not may_connect(Access(deny=(OF_HTTP,)), CALLER)
    assert may_connect(Access(deny=(OF_HTTP,)), Caller("", "other", ""))


def test_without_allow_everything_passes_and_with_an_empty_one_nothing_does() -> None:
    assert may_connect(Access(), CALLER)
    assert not may_connect(Access(allow=()), CALLER)

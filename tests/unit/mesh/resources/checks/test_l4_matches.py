"""Matches of `tls` and `tcp` routes: what Istio's webhook refuses."""

from typing import Any

import msgspec
import pytest

from mesh.resources.checks.l4_matches import check_l4_matches
from mesh.resources.istio.virtual_service import VirtualServiceSpec


def paths(spec: dict[str, Any]) -> list[str]:
    return [error.path for error in check_l4_matches(msgspec.convert(spec, VirtualServiceSpec))]


@pytest.mark.parametrize(
    ("match", "wrong"),
    [
        ({"sniHosts": ["a.com"]}, []),
        ({"sniHosts": ["x.b.com"], "destinationSubnets": ["10.0.0.0/8", "10.1.2.3"], "port": 443}, []),
        ({"sniHosts": []}, ["sniHosts"]),
        ({"sniHosts": ["*"]}, ["sniHosts[0]"]),
        ({"sniHosts": ["a.com", "b.com"]}, ["sniHosts[1]"]),
        ({"sniHosts": ["a.com"], "destinationSubnets": ["10.0.0.0/33"]}, ["destinationSubnets[0]"]),
        ({"sniHosts": ["a.com"], "port": 70000}, ["port"]),
    ],
)
def test_names_must_be_among_the_hosts_of_the_rule(match: dict[str, Any], wrong: list[str]) -> None:
    spec = {"hosts": ["a.com", "*.b.com"], "tls": [{"match": [match], "route": []}]}
    assert paths(spec) == [f"spec.tls[0].match[0].{path}" for path in wrong]


def test_subnets_and_ports_of_tcp_routes() -> None:
    assert paths({"hosts": ["a"], "tcp": [{"match": [{"destinationSubnets": ["x"], "port": 70000}]}]}) == [
        "spec.tcp[0].match[0].destinationSubnets[0]",
        "spec.tcp[0].match[0].port",
    ]

"""The columns of the kinds of networking.k8s.io: the same as on a real cluster (pkg/printers/internalversion)."""

from collections.abc import Mapping
from typing import Any

from mesh.resources.columns.column import NONE, Column, spec, status, with_name_and_age

MOST_HOSTS = 3


def _hosts(ingress: Mapping[str, Any]) -> str:
    hosts = [rule["host"] for rule in spec(ingress).get("rules") or [] if rule.get("host")]
    if len(hosts) > MOST_HOSTS:
        return f"{','.join(hosts[:MOST_HOSTS])} + {len(hosts) - MOST_HOSTS} more..."
    return ",".join(hosts) or "*"


def _address(ingress: Mapping[str, Any]) -> str:
    places = (status(ingress).get("loadBalancer") or {}).get("ingress") or []
    return ",".join(str(place.get("ip") or place.get("hostname", "")) for place in places)


def _parameters(ingress_class: Mapping[str, Any]) -> str:
    parameters = spec(ingress_class).get("parameters")
    if not parameters:
        return NONE
    group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
    return f"{parameters['kind']}{group}/{parameters['name']}"


INGRESS = with_name_and_age(
    Column("Class", lambda b: spec(b).get("ingressClassName") or NONE),
    Column("Hosts", _hosts),
    Column("Address", _address),
    Column("Ports", lambda b: "80, 443" if spec(b).get("tls") else "80"),
)

INGRESS_CLASS = with_name_and_age(
    Column("Controller", lambda b: spec(b).get("controller", "")),
    Column("Parameters", _parameters),
)

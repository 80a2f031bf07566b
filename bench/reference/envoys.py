"""Static configurations of Envoys that do nothing but pass requests on."""

from collections.abc import Mapping
from typing import Any

Address = tuple[str, int]
Json = dict[str, Any]
HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def configuration(listeners: Mapping[int, Mapping[str, Address]]) -> Json:
    """An Envoy that listens on these ports of 127.0.0.1 and sends a request to the address of its host's name; the name
    `*` takes every host."""
    clusters: dict[str, Json] = {}
    for hosts in listeners.values():
        for address in hosts.values():
            clusters.setdefault(_name(address), _cluster(address))
    return {
        "static_resources": {
            "listeners": [_listener(port, hosts) for port, hosts in listeners.items()],
            "clusters": list(clusters.values()),
        }
    }


def _listener(port: int, hosts: Mapping[str, Address]) -> Json:
    virtual_hosts = [
        {
            "name": host,
            "domains": [host] if host == "*" else [host, f"{host}:7000"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": _name(address)}}],
        }
        for host, address in hosts.items()
    ]
    manager = {
        "@type": HCM,
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": virtual_hosts},
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
    }
    return {
        "name": str(port),
        "address": _address(("127.0.0.1", port)),
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _cluster(address: Address) -> Json:
    endpoint = {"endpoint": {"address": _address(address)}}
    return {
        "name": _name(address),
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": _name(address), "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(address: Address) -> Json:
    return {"socket_address": {"address": address[0], "port_value": address[1]}}


def _name(address: Address) -> str:
    return f"{address[0]}:{address[1]}"

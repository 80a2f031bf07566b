"""Manifests as a user sends them, neither validated nor completed."""

import copy
from typing import Any

Body = dict[str, Any]


def namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config(name: str, value: str = "1", **metadata: Any) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"k": value},
    }


def service(name: str, port: int = 7000, **spec: Any) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}], **spec},
    }


def deployment(name: str, **environment: str) -> Body:
    container = {
        "name": "main",
        "image": "mall",
        "command": ["python", "-m", f"mall.{name}"],
        "ports": [{"containerPort": 7000}],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
    }
    return copy.deepcopy(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            },
        }
    )


def virtual_service(name: str, subset: str = "") -> Body:
    destination = {"host": name, **({"subset": subset} if subset else {})}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name},
        "spec": {"hosts": [name], "http": [{"route": [{"destination": destination}]}]},
    }


def destination_rule(name: str, *subsets: str) -> Body:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": name},
        "spec": {"host": name, "subsets": [{"name": subset, "labels": {"version": subset}} for subset in subsets]},
    }


def event(**fields: Any) -> Body:
    """A complete Event of events.k8s.io/v1."""
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "shop.1"},
        "regarding": {"kind": "Pod", "name": "shop", "namespace": "mesh"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "type": "Normal",
        "reason": "Synced",
        "action": "Sync",
        "note": "all is well",
        "reportingController": "example.com/shop",
        "reportingInstance": "shop-0",
        **fields,
    }

"""Branches and the Deployments that they change."""

from typing import Any

import msgspec

from mesh.resources.core.deployment import Deployment
from mesh.resources.meshmall.branch import Branch
from tests.support.objects import body, branch, service

PRODUCTS = service("products", app="products", branch="baseline")


def stored_branch(name: str, **spec: Any) -> Branch:
    raw = branch(name, **spec)
    raw["metadata"]["uid"] = f"uid-{name}"
    return msgspec.convert(raw, Branch)


def every_entry(letter: str) -> list[dict[str, Any]]:
    """An entry of every kind, of some kinds two, all with this value."""
    return [
        {"cookie": {"name": "user", "value": letter}},
        {"cookie": {"name": "theme", "value": letter}},
        {"header": {"name": "X-Dev", "value": letter}},
        {"header": {"name": "x-team", "value": letter}},
        {"query": {"name": "view", "value": letter}},
        {"query": {"name": "tab", "value": f"{letter}+{letter}/{letter}"}},
        {"baggage": {"name": "tenant", "value": letter}},
        {"host": f"{letter}.example.com"},
    ]


def baseline(name: str, available: int = 1) -> Deployment:
    labels = {"app": name, "version": "v1", "branch": "baseline"}
    env = [{"name": "BANNER", "value": "false"}, {"name": "KEPT", "value": "1"}]
    main = {"name": "main", "image": "mall:1", "command": ["run"], "args": ["--old"], "env": env}
    main["ports"] = [{"containerPort": 7000, "name": "http"}]
    containers = [main, {"name": "side", "image": "side:1"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    raw = body("Deployment", f"{name}-v1", group="apps", selector={"matchLabels": labels}, template=template)
    raw["status"] = {"availableReplicas": available, "updatedReplicas": available}
    return msgspec.convert(raw, Deployment)

"""AuthorizationPolicies as tests write them."""

from typing import Any

Json = dict[str, Any]


def policy(name: str, *rules: Json, action: str = "ALLOW", app: str = "shop", namespace: str = "mesh") -> Json:
    selector = {"selector": {"matchLabels": {"app": app}}} if app else {}
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"action": action, **selector, "rules": list(rules)},
    }


def source(**said: list[str]) -> Json:
    return {"from": [{"source": said}]}


def operation(**said: list[str]) -> Json:
    return {"to": [{"operation": said}]}

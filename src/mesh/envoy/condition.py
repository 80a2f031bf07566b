"""The condition `Programmed` on an object: whether Envoy has it. Pure.

Follows the conditions of Kubernetes and of Istio's status (type, status, reason, message, observedGeneration,
lastTransitionTime); the name of the type is the Gateway API's.
"""

from collections.abc import Mapping
from typing import Any

TYPE = "Programmed"


def has_condition(body: Mapping[str, Any]) -> bool:
    """Whether an object carries the condition already."""
    return any(each.get("type") == TYPE for each in (body.get("status") or {}).get("conditions") or [])


def with_condition(body: Mapping[str, Any], refusal: str | None, now: str) -> dict[str, Any] | None:
    """The object with its condition as it should be; None when it is so already.

    `refusal` says why Envoy does not have it as it stands; `now` is used when the condition's status turns.
    """
    wanted = {
        "type": TYPE,
        "status": "True" if refusal is None else "False",
        "reason": "Acknowledged" if refusal is None else "Rejected",
        "message": "Envoy has it" if refusal is None else f"Envoy refused it: {refusal}",
        "observedGeneration": body["metadata"].get("generation", 0),
    }
    status = body.get("status") or {}
    others = []
    for condition in status.get("conditions") or []:
        if condition.get("type") != TYPE:
            others.append(condition)
        elif all(condition.get(key) == value for key, value in wanted.items()):
            return None
        elif condition.get("status") == wanted["status"]:
            wanted["lastTransitionTime"] = condition.get("lastTransitionTime")
    wanted.setdefault("lastTransitionTime", now)
    return {**body, "status": {**status, "conditions": [*others, wanted]}}

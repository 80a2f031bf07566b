"""The conditions of a rule: whether Envoy has it, whether what it names is there, whether another one is for the same
host. Pure.

Follows the conditions of Kubernetes and of Istio's status (type, status, reason, message, observedGeneration,
lastTransitionTime); the names of the types are the Gateway API's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.resources.analysis.finding import Finding
from mesh.resources.values.conditions import find_condition, merge_conditions

TYPE = "Programmed"
LONGEST = 2_000


def has_condition(body: Mapping[str, Any]) -> bool:
    """Whether an object carries the condition already."""
    return find_condition((body.get("status") or {}).get("conditions"), TYPE) is not None


def with_condition(
    body: Mapping[str, Any], refusal: str | None, now: str, findings: Sequence[Finding] | None = None
) -> dict[str, Any] | None:
    """The object with its conditions as they should be; None when they are so already.

    `refusal` says why Envoy does not have it as it stands; `findings` are those about this object, None for a kind
    that has none; `now` is used when a condition's status turns.
    """
    desired = [_programmed(refusal)] + (list(_found(findings)) if findings is not None else [])
    status = body.get("status") or {}
    former = status.get("conditions") or []
    merged = merge_conditions(former, desired, now, generation=body["metadata"].get("generation", 0))
    return {**body, "status": {**status, "conditions": merged}} if merged != former else None


def _programmed(refusal: str | None) -> dict[str, Any]:
    return {
        "type": TYPE,
        "status": "True" if refusal is None else "False",
        "reason": "Acknowledged" if refusal is None else "Rejected",
        "message": "Envoy has it" if refusal is None else f"Envoy refused it: {refusal}",
    }


def _found(findings: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """Accepted: it is stored, so it is well formed. The two others say what is found among all objects."""
    conflicts = [each for each in findings if each.code.startswith("Conflicting")]
    missing = [each for each in findings if each not in conflicts]
    yield {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "it is well formed"}
    yield {
        "type": "ResolvedRefs",
        "status": "False" if missing else "True",
        "reason": missing[0].code if missing else "ResolvedRefs",
        "message": _said(missing) or "all that it names is there",
    }
    yield {
        "type": "Conflicted",
        "status": "True" if conflicts else "False",
        "reason": conflicts[0].code if conflicts else "NoConflicts",
        "message": _said(conflicts) or "no other rule is for the same",
    }


def _said(findings: Sequence[Finding]) -> str:
    return "; ".join(f"{each.error.path}: {each.error.message}" for each in findings)[:LONGEST]

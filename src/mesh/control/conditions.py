"""The conditions of a rule: whether Envoy has it, whether what it refers to exists, whether another rule conflicts.
Pure: the caller passes the time.

Follows the conditions of Kubernetes and of Istio's status (type, status, reason, message, observedGeneration,
lastTransitionTime); the names of the types are the Gateway API's.
"""

from collections.abc import Sequence

from mesh.resources.analysis.finding import NUMBERS, Finding
from mesh.resources.analysis.rule_references import UNUSABLE
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import find_condition, merge_conditions

PROGRAMMED = "Programmed"
# How long a message may be: an object with a thousand dangling references must stay an ordinary object.
LONGEST_MESSAGE = 2_000


def has_condition(body: Body) -> bool:
    """Whether an object says already whether Envoy has it."""
    return find_condition((body.get("status") or {}).get("conditions"), PROGRAMMED) is not None


def rule_status(body: Body, refusal: str | None, now: str, findings: Sequence[Finding] | None = None) -> Body:
    """The object's status with its conditions as they should be; equal to what it has when nothing changed.

    `refusal` says why Envoy does not have the object as it stands; `findings` are those about this object, None for a
    kind that has none; `now` is used when a condition's status turns.
    """
    unusable = next((finding for finding in findings or () if finding.code == UNUSABLE), None)
    desired = [programmed(refusal) if refusal is not None or unusable is None else unprogrammed(unusable)]
    if findings is not None:
        conflicts = [finding for finding in findings if finding.code.startswith("Conflicting")]
        missing = [finding for finding in findings if finding not in conflicts]
        desired += [accepted(), resolved_refs(missing), conflicted(conflicts)]
    status = body.get("status") or {}
    generation = body["metadata"].get("generation", 0)
    return {**status, "conditions": merge_conditions(status.get("conditions"), desired, now, generation=generation)}


def programmed(refusal: str | None) -> Body:
    if refusal is None:
        return _condition(PROGRAMMED, "True", "Acknowledged", "Envoy has acknowledged it")
    return _condition(PROGRAMMED, "False", "Rejected", f"Envoy refused it: {refusal}")


def unprogrammed(finding: Finding) -> Body:
    """Nothing of a Gateway without a certificate reaches Envoy: there is nothing that Envoy could refuse."""
    return _condition(PROGRAMMED, "False", "Invalid", _described([finding]))


def accepted() -> Body:
    """Always true: an object that is not well formed is never stored."""
    return _condition("Accepted", "True", "Accepted", "the object is well formed")


def resolved_refs(missing: Sequence[Finding]) -> Body:
    if missing:
        return _condition("ResolvedRefs", "False", missing[0].code, _described(missing))
    return _condition("ResolvedRefs", "True", "ResolvedRefs", "everything that it refers to exists")


def conflicted(conflicts: Sequence[Finding]) -> Body:
    """True is the bad state here, as in Gateway API's condition of this name."""
    if conflicts:
        return _condition("Conflicted", "True", conflicts[0].code, _described(conflicts))
    return _condition("Conflicted", "False", "NoConflicts", "no other rule conflicts with it")


def _condition(type_: str, status: str, reason: str, message: str) -> Body:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def _described(findings: Sequence[Finding]) -> str:
    texts = (
        f"{finding.error.path}: {finding.error.message}"
        + (f" ({NUMBERS[finding.code]})" if finding.code in NUMBERS else "")
        for finding in findings
    )
    return "; ".join(texts)[:LONGEST_MESSAGE]

"""Conditions of the Gateway API's objects, without lastTransitionTime. Pure."""

from typing import Any

from mesh.resources.values.body import Body
from mesh.routing.gateway_api.references import Problem

MAX_MESSAGE = 2_000


def condition(type_: str, problem: Problem | None, reason: str, message: str, of: Any, *, good: bool = True) -> Body:
    """A condition whose status is `good` unless there is a problem."""
    return {
        "type": type_,
        "status": "True" if good is (problem is None) else "False",
        "reason": problem.reason if problem is not None else reason,
        "message": (problem.message if problem is not None else message)[:MAX_MESSAGE],
        "observedGeneration": of.metadata.generation,
    }

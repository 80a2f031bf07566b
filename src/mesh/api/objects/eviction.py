"""The subresource `eviction` of pods: a deletion that the pods' PodDisruptionBudget may refuse (`kubectl drain`)."""

from typing import Any

from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem, conflict
from mesh.pods.controllers.disruption import allowance_of, budgets_of, is_ready
from mesh.resources.core.pod_disruption_budget import PodDisruptionBudget
from mesh.store import Store, Stored
from mesh.store.cascade import removal

# Pods that have not begun, or have ended, serve nobody: no budget protects them.
UNPROTECTED = ("Pending", "Succeeded", "Failed")


class Evicting:
    """Evicts pods of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def evict(self, target: Target, request: Request) -> Reply:
        """POST of an Eviction (policy/v1). Raises Problem (400, 404, 409, 429 when a budget refuses, 500)."""
        options = _options(await request.json_object(), target)
        pod = require(self._store, target)
        uid = (options.get("preconditions") or {}).get("uid")
        if uid not in (None, pod.uid):
            raise conflict(target.definition, target.ref, "the preconditions are not those of the object")
        self._require_budget(pod)
        if not request.dry_run and options.get("dryRun") != ["All"]:
            grace = options.get("gracePeriodSeconds")
            self._store.commit(removal(self._store, [pod], grace=grace if isinstance(grace, int) else None))
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return Reply(status, 201)

    def _require_budget(self, pod: Stored) -> None:
        """Raises Problem when the pod's budget has no disruption left. What it counts is what the store has now."""
        phase = (pod.body.get("status") or {}).get("phase", "Pending")
        if phase in UNPROTECTED or pod.metadata.get("deletionTimestamp"):
            return
        budgets = budgets_of(self._store, pod)
        if not budgets:
            return
        if len(budgets) > 1:
            message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise Problem(500, message)
        (stored,) = budgets
        budget: PodDisruptionBudget = stored.typed
        allowance = allowance_of(self._store, stored)
        if not is_ready(pod):
            # It serves nobody. IfHealthyBudget, the default: the others must be as many as the budget wants.
            always = budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow"
            if always or (allowance.healthy >= allowance.desired and allowance.desired > 0):
                return
        if allowance.disruptions > 0:
            return
        cause = {
            "reason": "DisruptionBudget",
            "message": f"The disruption budget {stored.ref.name} needs {allowance.desired} healthy pods and has "
            f"{allowance.healthy} currently",
        }
        raise Problem(
            429,
            "Cannot evict pod as it would violate the pod's disruption budget.",
            causes=[cause],
        )


def _options(body: dict[str, Any], target: Target) -> dict[str, Any]:
    """The DeleteOptions in an Eviction. Raises Problem (400)."""
    kind, version = body.get("kind", "Eviction"), str(body.get("apiVersion", "policy/v1"))
    if kind != "Eviction" or not version.startswith("policy/"):
        raise Problem(400, f"this path takes an Eviction of policy/v1, not {kind} of {version}")
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if name not in (None, "", target.name):
        raise Problem(400, f"name in URL does not match name in Eviction object: {target.name} and {name}")
    options = body.get("deleteOptions")
    return options if isinstance(options, dict) else {}

"""What Kubernetes' admission adds to a Pod that somebody creates, and why it refuses one: account and priority."""

from collections.abc import Iterator, Sequence
from typing import Any

from mesh.resources.validation.pod_priority import priority_of
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Reason
from mesh.resources.values.ref import POD, Ref
from mesh.store import Put, Store, Stored

DEFAULT_ACCOUNT = "default"
PRIORITY_CLASS = ("scheduling.k8s.io", "PriorityClass")


class PodAdmission:
    """Looks up what a pod refers to."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def problems(self, body: Any, namespace: str, coming: Sequence[Ref]) -> Iterator[FieldError]:
        """What an object names that does not exist, if it is a pod; `coming` are objects of the same change."""
        if not isinstance(body, dict) or body.get("kind") != POD.kind or body.get("apiVersion") != "v1":
            return
        spec, metadata = body.get("spec"), body.get("metadata")
        if not isinstance(spec, dict) or not isinstance(metadata, dict):
            return
        ref = Ref("", "Pod", str(metadata.get("namespace") or namespace), str(metadata.get("name") or ""))
        account = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT_ACCOUNT
        if isinstance(account, str) and account != DEFAULT_ACCOUNT:
            of_account = Ref("", "ServiceAccount", ref.namespace, account)
            if of_account not in coming and self._store.get(of_account) is None:
                message = (
                    f'error looking up service account {ref.namespace}/{account}: serviceaccount "{account}" not found'
                )
                yield FieldError("spec.serviceAccountName", message, ref, Reason.NOT_ADMITTED)
        name = spec.get("priorityClassName") or ""
        if not isinstance(name, str) or Ref(*PRIORITY_CLASS, "", name) in coming:
            return
        priority = priority_of(name, self._classes())
        if priority is None:
            message = f"no PriorityClass with name {name} was found"
            yield FieldError("spec.priorityClassName", message, ref, Reason.NOT_ADMITTED)
            return
        for field, value in (("priority", priority.value), ("preemptionPolicy", priority.preemption_policy)):
            if spec.get(field, value) != value:
                message = f"{field} is of the PriorityClass, {value}, and not {str(spec[field])[:80]}"
                yield FieldError(f"spec.{field}", message, ref, Reason.NOT_ADMITTED)

    def complete(self, put: Put, old: Stored | None, change: Sequence[Put]) -> None:
        """Writes a pod's priority into it: of its class, which may come with the change, or as it was before."""
        if put.ref.group_kind != POD:
            return
        spec = put.body["spec"]
        if old is not None:
            for name in ("priority", "preemptionPolicy"):
                if name in old.body["spec"]:
                    spec[name] = old.body["spec"][name]
            return
        coming = [other.body for other in change if (other.ref.group, other.ref.kind) == PRIORITY_CLASS]
        if priority := priority_of(spec.get("priorityClassName", ""), [*coming, *self._classes()]):
            priority.write(spec)

    def _classes(self) -> list[Body]:
        return [stored.body for stored in self._store.list(*PRIORITY_CLASS)]

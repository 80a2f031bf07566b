"""ControllerRevisions: the states that a StatefulSet's or DaemonSet's template has had, for updates and rollbacks.

`kubectl rollout history|undo` reads the same objects: `data` is the patch that kubectl applies to go back.
"""

import copy

from mesh.pods.controllers.adoption import adopt
from mesh.pods.controllers.objects import Objects, owner_reference
from mesh.pods.controllers.template import same_template, template_hash
from mesh.resources.values.body import Body
from mesh.resources.values.ref import CONTROLLER_REVISION, Ref
from mesh.store import Stored

HASH_LABEL = "controller.kubernetes.io/hash"
REVISION_LABEL = "controller-revision-hash"
CHANGE_CAUSE = "kubernetes.io/change-cause"


def revisions_of(objects: Objects, owner: Stored) -> list[Stored]:
    """The revisions that a workload has, oldest first; those that an earlier one of its name left are taken over."""
    owned = [one for one in objects.owned(owner.uid) if one.ref.group_kind == CONTROLLER_REVISION]
    labels: Body = (owner.body["spec"]["template"].get("metadata") or {}).get("labels") or {}
    for stored in objects.uncontrolled(owner.ref.namespace):
        fits = stored.ref.group_kind == CONTROLLER_REVISION and stored.ref.name.startswith(f"{owner.ref.name}-")
        if fits and labels.items() <= (stored.metadata.get("labels") or {}).items():
            adopted = objects.update(stored.ref, lambda body: adopt(body, owner))
            owned += [adopted] if adopted is not None else []
    return sorted(owned, key=lambda one: (int(one.body.get("revision", 0)), one.ref.name))


def template_of(revision: Stored) -> Body:
    """The pod template that a revision stands for."""
    template = dict(revision.body["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


def current_revision(objects: Objects, owner: Stored, revisions: list[Stored]) -> Stored:
    """The revision of the workload's present template, made when there is none; one that is used again comes last."""
    template: Body = owner.body["spec"]["template"]
    last = int(revisions[-1].body.get("revision", 0)) if revisions else 0
    equal = next((one for one in reversed(revisions) if same_template(template_of(one), template)), None)
    if equal is None:
        return _create(objects, owner, template, last + 1)
    if equal is revisions[-1]:
        return equal
    return objects.update(equal.ref, lambda body: body.update(revision=last + 1)) or equal


def remove_surplus(objects: Objects, revisions: list[Stored], live: set[str], limit: int) -> None:
    """Removes the oldest revisions beyond `limit` (revisionHistoryLimit) that no pod is of."""
    unused = [one for one in revisions if one.ref.name not in live]
    for one in unused[: max(0, len(unused) - limit)]:
        objects.delete(one.ref)


def _create(objects: Objects, owner: Stored, template: Body, number: int) -> Stored:
    # The name may belong to a revision of another template with the same hash, or to somebody else's object.
    collisions, label = 0, template_hash(template)
    while objects.store.get(_ref(owner, label)) is not None:
        collisions += 1
        label = template_hash(template, collisions)
    ref = _ref(owner, label)
    metadata: Body = {
        "name": ref.name,
        "namespace": ref.namespace,
        # kubectl finds the revisions of a workload by the workload's selector.
        "labels": {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: label},
        "ownerReferences": [owner_reference(owner)],
    }
    cause = (owner.metadata.get("annotations") or {}).get(CHANGE_CAUSE)
    if cause:
        metadata["annotations"] = {CHANGE_CAUSE: cause}
    body: Body = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "data": {"spec": {"template": {**copy.deepcopy(template), "$patch": "replace"}}},
        "revision": number,
    }
    return objects.create(ref, body)


def _ref(owner: Stored, label: str) -> Ref:
    return Ref(*CONTROLLER_REVISION, owner.ref.namespace, f"{owner.ref.name}-{label}")

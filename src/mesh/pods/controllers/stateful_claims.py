"""The claims of a StatefulSet's pods: created with the pods, and kept or removed as the set says."""

import copy
from collections.abc import Container, Mapping

from mesh.pods.controllers.objects import Objects, owner_reference
from mesh.resources.validation.workload_defaults import CLAIM_PROTECTION
from mesh.resources.values.body import Body
from mesh.resources.values.ref import PERSISTENT_VOLUME_CLAIM, POD, GroupKind, Ref
from mesh.store import Stored


def claims_of_pod(stateful_set: Stored, pod: str) -> dict[str, Body]:
    """The claims of a pod, by the name of their template; each is named `<template>-<pod>`."""
    claims: dict[str, Body] = {}
    selector = (stateful_set.body["spec"].get("selector") or {}).get("matchLabels") or {}
    for template in stateful_set.body["spec"].get("volumeClaimTemplates") or ():
        name = template["metadata"]["name"]
        metadata: Body = {
            "name": f"{name}-{pod}",
            "namespace": stateful_set.ref.namespace,
            "labels": {**(template["metadata"].get("labels") or {}), **selector},
            "finalizers": [CLAIM_PROTECTION],
        }
        if template["metadata"].get("annotations"):
            metadata["annotations"] = dict(template["metadata"]["annotations"])
        claims[name] = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": copy.deepcopy(template["spec"]),
            "status": {"phase": "Pending"},
        }
    return claims


def create_claims(objects: Objects, stateful_set: Stored, pod: str) -> list[str]:
    """Creates those claims of a pod that do not exist yet; returns their names."""
    created = []
    for claim in claims_of_pod(stateful_set, pod).values():
        ref = Ref(*PERSISTENT_VOLUME_CLAIM, stateful_set.ref.namespace, claim["metadata"]["name"])
        if objects.store.get(ref) is None:
            objects.create(ref, claim)
            created.append(ref.name)
    return created


def keep_claims(objects: Objects, stateful_set: Stored, ordinals: Container[int], pods: Mapping[int, Stored]) -> None:
    """Makes claims depend on the set or on their pod, as persistentVolumeClaimRetentionPolicy says.

    Garbage collection does the rest: a claim goes with the object that its ownerReferences name. `ordinals` are those
    of the pods that stay.
    """
    retention = stateful_set.body["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    with_set, when_scaled = (retention.get(name) == "Delete" for name in ("whenDeleted", "whenScaled"))
    own = {**owner_reference(stateful_set), "controller": False}
    for ordinal, pod in pods.items():
        of_pod = {"apiVersion": "v1", "kind": "Pod", "name": pod.ref.name, "uid": pod.uid}
        owners = [of_pod] if when_scaled and ordinal not in ordinals else [own] if with_set else []

        def own_claim(body: Body, owners: list[Body] = owners) -> None:
            _replace_owners(body, stateful_set.uid, owners)

        for claim in claims_of_pod(stateful_set, pod.ref.name).values():
            ref = Ref(*PERSISTENT_VOLUME_CLAIM, stateful_set.ref.namespace, claim["metadata"]["name"])
            objects.update(ref, own_claim)


def _replace_owners(claim: Body, uid: str, owners: list[Body]) -> None:
    """Replaces the owner references that are written here, to the set with this uid and to pods; others stay."""
    references = claim["metadata"].get("ownerReferences") or ()
    others = [owner for owner in references if owner["uid"] != uid and GroupKind.of(owner) != POD]
    if others or owners:
        claim["metadata"]["ownerReferences"] = [*others, *owners]
    else:
        claim["metadata"].pop("ownerReferences", None)

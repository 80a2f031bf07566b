"""What a branch's store consists of: claims with copies of the baseline's volumes, and the workload on them. Pure.

A StatefulSet stays one, with the same ordinals; a Deployment or a pod becomes a Deployment. Whatever volume is copied
becomes a claim of the branch's, emptyDirs too: a pod cannot be started on an emptyDir that has something in it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mesh.branches.forks import changed_template, owner_reference, workload
from mesh.resources.analysis.stores import Workload, data_volumes, kind_and_name, pod_metadata, pod_spec
from mesh.resources.core.pod import Pod
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.meshmall.branch import (
    BRANCH_LABEL,
    DATA_AFTER,
    DATA_BEFORE,
    DATA_RESET,
    GROUP,
    HOSTNAME_ANNOTATION,
    SERVICE_LABEL,
    UNCHANGED,
    Branch,
    BranchData,
    Fork,
    deployment_name,
)
from mesh.resources.validation.workload_defaults import CLAIM_PROTECTION
from mesh.resources.values.body import Body
from mesh.resources.values.meta import as_body

# On the claims of a branch: what the copy is of, how many pods have one, and whether the `after` commands have run.
IDENTITY, REPLICAS, PREPARED = f"{GROUP}/data-identity", f"{GROUP}/data-replicas", f"{GROUP}/data-prepared"
DEFAULT_SIZE = "1Gi"
LONGEST_CLAIM = 253


@dataclass(frozen=True, slots=True)
class VolumeCopy:
    """One volume of one of the baseline's pods (all pods' where `pod` is ""), and the claim that gets a copy of it.

    `source_claim` is the baseline's claim, "" for a volume that lies in the pod's own folder.
    """

    claim: str
    volume: str
    ordinal: int
    spec: Body
    pod: str = ""
    source_claim: str = ""


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """Everything that has to be copied for one store. `identity` differs when the copies have to be made anew."""

    store: str
    workload: Workload
    volumes: tuple[VolumeCopy, ...]
    replicas: int
    identity: str

    @property
    def is_stateful(self) -> bool:
        return isinstance(self.workload, StatefulSet)


def identity_of(branch: Branch, name: str) -> str:
    """What a store's data is: claims with another identity are replaced."""
    store = branch.spec.data[name]
    reset = branch.metadata.annotations.get(DATA_RESET, "")
    parts = [branch.metadata.uid, name, store.source, store.workload, store.volumes, reset]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def store_copy(
    branch: Branch, name: str, source: Workload, claims: Mapping[str, Body], pods: Sequence[Pod]
) -> StoreCopy:
    """What is copied: `claims` are the specs of the namespace's claims by name, `pods` the workload's, by name."""
    chosen = data_volumes(source, branch.spec.data[name].volumes)
    fork = deployment_name(name, branch.metadata.name)
    copies: list[VolumeCopy] = []
    ordinals = range(1)
    if isinstance(source, StatefulSet):
        ordinals = range(source.spec.ordinals.start, source.spec.ordinals.start + source.spec.replicas)
        for template in source.spec.volume_claim_templates:
            if (volume := template.metadata.name) in chosen:
                spec = as_body(template.spec)
                for number in ordinals:
                    origin = f"{volume}-{source.metadata.name}-{number}"
                    copies.append(VolumeCopy(f"{volume}-{fork}-{number}", volume, number, spec, source_claim=origin))
    for one in pod_spec(source).volumes:
        if one.name not in chosen or any(copy.volume == one.name for copy in copies):
            continue
        if one.persistent_volume_claim is not None:
            origin = str(one.persistent_volume_claim.get("claimName", ""))
            copies.append(VolumeCopy(_shared_claim(one.name, fork), one.name, 0, claims.get(origin, {}), "", origin))
        elif isinstance(source, StatefulSet):
            own = [(number, f"{source.metadata.name}-{number}") for number in ordinals]
            copies += [VolumeCopy(f"{one.name}-{fork}-{number}", one.name, number, {}, pod) for number, pod in own]
        else:
            pod = next((pod.metadata.name for pod in pods), "")
            copies.append(VolumeCopy(_shared_claim(one.name, fork), one.name, 0, {}, pod))
    return StoreCopy(name, source, tuple(copies), len(ordinals), identity_of(branch, name))


def claim_body(branch: Branch, copy: StoreCopy, volume: VolumeCopy, volume_name: str) -> Body:
    """The branch's claim on a copy, bound to the volume of this name.

    Its `dataSource` is what a cluster would clone it from (Kubernetes, "CSI Volume Cloning").
    """
    spec: Body = {
        "accessModes": volume.spec.get("accessModes") or ["ReadWriteOnce"],
        "resources": {"requests": {"storage": requested(volume)}},
        "storageClassName": volume.spec.get("storageClassName") or "standard",
        "volumeMode": "Filesystem",
        "volumeName": volume_name,
    }
    if volume.source_claim and branch.spec.data[copy.store].source == "baseline":
        spec["dataSource"] = {"kind": "PersistentVolumeClaim", "name": volume.source_claim}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": volume.claim,
            "namespace": branch.metadata.namespace,
            "labels": {BRANCH_LABEL: branch.metadata.name, SERVICE_LABEL: copy.store},
            "annotations": {IDENTITY: copy.identity, REPLICAS: str(copy.replicas)},
            "finalizers": [CLAIM_PROTECTION],
            "ownerReferences": [owner_reference(branch)],
        },
        "spec": spec,
        "status": {"phase": "Pending"},
    }


def requested(volume: VolumeCopy) -> str:
    """The size that the baseline's claim asks for."""
    requests = (volume.spec.get("resources") or {}).get("requests") or {}
    return str(requests.get("storage", DEFAULT_SIZE))


def store_body(branch: Branch, name: str, source: Workload, replicas: int) -> Body:
    """The workload of a branch's store: the baseline's on the branch's claims. Raises Invalid."""
    change = branch.spec.services.get(name, UNCHANGED).fork or Fork()
    store, fork = branch.spec.data[name], deployment_name(name, branch.metadata.name)
    chosen = data_volumes(source, store.volumes)
    template: Body = {"metadata": _template_metadata(source), "spec": as_body(pod_spec(source))}
    template = changed_template(change, template)
    if isinstance(source, StatefulSet):
        return _stateful_set(branch, name, source, template, chosen, replicas)
    if isinstance(source, Pod):
        _as_template(template["spec"], source)
    for volume in template["spec"].get("volumes") or ():
        if volume["name"] in chosen:
            _claimed(volume, _shared_claim(volume["name"], fork))
    # A claim that one pod at a time may use would keep a rollout waiting for its own predecessor.
    spec = {"template": template, "replicas": change.replicas, "strategy": {"type": "Recreate"}}
    return workload(branch, name, spec, pod_metadata(source).labels)


def _stateful_set(
    branch: Branch, name: str, source: StatefulSet, template: Body, chosen: Sequence[str], replicas: int
) -> Body:
    fork = deployment_name(name, branch.metadata.name)
    claims = [as_body(claim) for claim in source.spec.volume_claim_templates]
    volumes = []
    for volume in template["spec"].get("volumes") or ():
        if volume["name"] not in chosen:
            volumes.append(volume)
        elif "persistentVolumeClaim" in volume:
            volumes.append(_claimed(volume, _shared_claim(volume["name"], fork)))
        else:
            size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": DEFAULT_SIZE}}}
            claims.append({"metadata": {"name": volume["name"]}, "spec": size})
    template["spec"]["volumes"] = volumes
    template["metadata"].setdefault("annotations", {})[HOSTNAME_ANNOTATION] = source.metadata.name
    for claim in claims:
        claim.pop("status", None)
    spec = {
        "template": template,
        "replicas": replicas,
        "serviceName": source.spec.service_name,
        "podManagementPolicy": source.spec.pod_management_policy,
        "ordinals": {"start": source.spec.ordinals.start},
        "volumeClaimTemplates": claims,
        # Claims that are not copied are the branch's own all the same: they go with its StatefulSet.
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
    }
    return workload(branch, name, spec, pod_metadata(source).labels, "StatefulSet")


def _as_template(spec: Body, pod: Pod) -> None:
    """What only a pod that exists has is no part of a template."""
    for field in ("nodeName", "ephemeralContainers", "priority"):
        spec.pop(field, None)
    spec["restartPolicy"] = "Always"
    spec.setdefault("hostname", pod.metadata.name)


def _template_metadata(source: Workload) -> Body:
    annotations = dict(pod_metadata(source).annotations)
    return {"annotations": annotations} if annotations else {}


def _claimed(volume: Body, claim: str) -> Body:
    """Replaces a volume's source by a claim; returns the volume."""
    name = volume["name"]
    volume.clear()
    volume.update(name=name, persistentVolumeClaim={"claimName": claim})
    return volume


def _shared_claim(volume: str, fork: str) -> str:
    return f"{volume}-{fork}"[:LONGEST_CLAIM]


def command_of(store: BranchData, source: Workload, when: str) -> list[str]:
    """The command to run "before" or "after": the branch's, otherwise what the workload's annotation says.

    An annotation is a list of words as JSON, or one line for a shell. [] when there is nothing to run.
    """
    command = store.before if when == "before" else store.after
    if command is not None:
        return command
    name = DATA_BEFORE if when == "before" else DATA_AFTER
    text = source.metadata.annotations.get(name) or pod_metadata(source).annotations.get(name) or ""
    try:
        words = json.loads(text) if text.startswith("[") else None
    except ValueError:
        words = None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return words
    return ["sh", "-c", text] if text else []


def pods_of(source: Workload, pods: Iterable[Pod]) -> list[Pod]:
    """The baseline's pods of a workload, by name, without those that are ending."""
    labels = pod_metadata(source).labels.items()
    own = [
        pod
        for pod in pods
        if pod.metadata.namespace == source.metadata.namespace
        and BRANCH_LABEL not in pod.metadata.labels
        and labels <= pod.metadata.labels.items()
        and pod.metadata.deletion_timestamp is None
    ]
    return sorted(own, key=lambda pod: pod.metadata.name)


def users_of(claims: Iterable[str], namespace: str, pods: Iterable[Pod]) -> list[Pod]:
    """The pods of a namespace that write to one of these claims: whoever they belong to, they are frozen, too."""
    names = set(claims)
    return [
        pod
        for pod in pods
        if pod.metadata.namespace == namespace
        and any(
            volume.persistent_volume_claim and volume.persistent_volume_claim.get("claimName") in names
            for volume in pod.spec.volumes
        )
    ]


def describe(copy: StoreCopy) -> str:
    """A store's workload, for people: `StatefulSet/postgres`."""
    return kind_and_name(copy.workload)

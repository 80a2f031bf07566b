"""What a daemon does with what the previous one left: pods without processes, folders, addresses of another mesh."""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from mesh.pods.controllers.objects import Objects, controller, now
from mesh.pods.host.pod_processes import output_folder
from mesh.pods.logs.log_files import LogFiles
from mesh.pods.network.pools import AddressPool
from mesh.resources.values.body import Body
from mesh.resources.values.conditions import merge_conditions
from mesh.resources.values.ref import JOB, GroupKind
from mesh.store import Store, Stored

# Phases of pods that have ended for good.
FINISHED = ("Succeeded", "Failed")


def remove_leftovers(home: Path, files: LogFiles, pods: Mapping[str, Stored], surviving: Collection[str]) -> None:
    """Logs, folders and FIFOs of pods that do not run any more."""
    finished = {uid for uid, stored in pods.items() if _phase(stored) in FINISHED}
    # What a finished Job has written may be read as long as its pod is there.
    files.remove_all(but={(pods[uid].ref.namespace, pods[uid].ref.name) for uid in {*surviving, *finished}})
    for folder in (home / "pods", output_folder(home)):
        for entry in folder.iterdir() if folder.is_dir() else ():
            if entry.name not in surviving:
                shutil.rmtree(entry, ignore_errors=True)


def restart(objects: Objects, stored: Stored) -> None:
    """What becomes of a pod whose processes have gone with the previous daemon.

    One that has ended stays. One that a controller created is created again by it, one that a user created starts
    again under its name. A Job has to count the pod first: it has failed, as on a node that was shut down.
    """
    owner = controller(stored.body)
    if _phase(stored) in FINISHED and not stored.metadata.get("deletionTimestamp"):
        return
    if stored.metadata.get("finalizers"):
        objects.update(stored.ref, _interrupt)
    elif stored.metadata.get("deletionTimestamp") or (owner is not None and GroupKind.of(owner) != JOB):
        objects.delete(stored.ref)
    elif owner is not None:
        objects.update(stored.ref, _interrupt)
    else:
        objects.update(stored.ref, _begin_anew)


def _phase(stored: Stored) -> str:
    return str((stored.body.get("status") or {}).get("phase", ""))


def _begin_anew(body: Body) -> None:
    body["status"] = {"phase": "Pending"}


def _interrupt(body: Body) -> None:
    """As the kubelet leaves a pod when its node shuts down gracefully."""
    status = body.get("status") or {}
    if status.get("phase") in FINISHED:
        return
    disrupted = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "TerminationByKubelet",
        "message": "The mesh was stopped while the pod ran",
    }
    entries = [{**entry, "state": _lost(entry), "ready": False} for entry in status.get("containerStatuses") or ()]
    body["status"] = {
        **status,
        "phase": "Failed",
        "reason": "Terminated",
        "message": "The mesh was stopped while the pod ran",
        "conditions": merge_conditions(status.get("conditions"), [disrupted], now()),
        **({"containerStatuses": entries} if entries else {}),
    }


def _lost(entry: Body) -> Body:
    state: Body = entry.get("state") or {}
    if "terminated" in state:
        return state
    began = (state.get("running") or {}).get("startedAt", now())
    return {"terminated": {"exitCode": 137, "reason": "Error", "startedAt": began, "finishedAt": now()}}


def renumber_services(store: Store, objects: Objects, addresses: AddressPool) -> None:
    """Gives addresses of this mesh to Services that were stored under other ones."""
    services = store.list("", "Service")
    taken = {str(stored.body["spec"].get("clusterIP", "")) for stored in services}
    for stored in services:
        address = str(stored.body["spec"].get("clusterIP", ""))
        if address in ("", "None") or address in addresses:
            continue
        fresh = addresses.service_ip(taken)
        taken.add(fresh)

        def give(body: Body, fresh: str = fresh) -> None:
            body["spec"].update(clusterIP=fresh, clusterIPs=[fresh])

        objects.update(stored.ref, give)

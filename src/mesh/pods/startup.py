"""What a daemon does with what the previous one left: pods without processes, folders, addresses of another mesh."""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from mesh.pods.controllers.objects import Objects, controller
from mesh.pods.host.pod_processes import output_folder
from mesh.pods.logs.log_files import LogFiles
from mesh.pods.network.pools import AddressPool
from mesh.resources.values.body import Body
from mesh.store import Store, Stored

# Phases of pods that have ended for good.
FINISHED = ("Succeeded", "Failed")


def remove_leftovers(home: Path, files: LogFiles, pods: Mapping[str, Stored], surviving: Collection[str]) -> None:
    """Logs, folders and FIFOs of pods that do not run any more."""
    surviving_names = {(pods[uid].ref.namespace, pods[uid].ref.name) for uid in surviving}
    files.remove_all(but=surviving_names)
    for folder in (home / "pods", output_folder(home)):
        for entry in folder.iterdir() if folder.is_dir() else ():
            if entry.name not in surviving:
                shutil.rmtree(entry, ignore_errors=True)


def restart(objects: Objects, stored: Stored) -> None:
    """What becomes of a pod whose processes have gone with the previous daemon."""
    phase = (stored.body.get("status") or {}).get("phase")
    if stored.metadata.get("deletionTimestamp") or controller(stored.body) is not None:
        objects.delete(stored.ref)
    elif phase not in FINISHED:

        def begin_anew(body: Body) -> None:
            body["status"] = {"phase": "Pending"}

        objects.update(stored.ref, begin_anew)


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

"""Where an agent begins: in new namespaces, or in those that its predecessor left when it was killed.

Three things may have survived. Envoy: then all of the mesh's namespaces have, and are entered. Pods only: their own
networks have, and the user namespace that owns them; the bridge is gone, so they are wired anew. Nothing: what lies
on disk is removed.
"""

import os
import traceback
from pathlib import Path

from mesh.pods.network.namespaces import prepare_mesh_network
from mesh.pods.sandbox import namespaces
from mesh.pods.sandbox.pod_networks import PodNetworks
from mesh.pods.sandbox.processes import Processes


def adopt_survivors(processes: Processes, pods: PodNetworks) -> bool:
    """Enters the mesh's namespaces and takes over its pods; returns whether they are in a user namespace.

    Raises OSError where the machine forbids namespaces.
    """
    survivors = processes.written_down()
    keeper = next((process for process in survivors if not process.pod), None)
    networks: dict[str, int] = {}
    for process in survivors:
        if process.pod and process.pod not in networks and (network := _network_of(process.pid)) is not None:
            networks[process.pod] = network
    if keeper is not None:
        in_user_namespace = namespaces.enter_of(keeper.pid)
    elif networks:
        in_user_namespace = namespaces.enter_owner_of(next(iter(networks.values())))
    else:
        in_user_namespace = namespaces.enter_new()
    prepare_mesh_network()
    if keeper is None:
        pods.prepare()
    for pod in pods.written_down():
        network = networks.pop(pod.uid, None)
        if network is None and keeper is not None and Path(pod.path).exists():
            network = os.open(pod.path, os.O_RDONLY | os.O_CLOEXEC)  # no process runs in it at the moment
        if network is None:
            pods.forget(pod)
            continue
        try:
            pods.create(pod.uid, pod.name, pod.address, network)
        except OSError:
            traceback.print_exc()  # one pod without a network must not keep the others from theirs
    for network in networks.values():
        os.close(network)
    return in_user_namespace


def _network_of(pid: int) -> int | None:
    try:
        return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None  # it has just ended

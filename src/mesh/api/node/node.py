"""The one Node: this machine, as `kubectl get nodes` and `kubectl describe node` show it."""

import os
import platform
from pathlib import Path
from typing import Any

from mesh.api.node.resource_metrics import memory_info
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store, timestamp

MOST_PODS = 1000


def register(store: Store, name: str, address: str, version: str) -> None:
    """Writes the Node into the store, anew at each start: the machine may have changed."""
    ref = Ref("", "Node", "", name)
    capacity = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{memory_info()['MemTotal'] // 1024}Ki",
        "pods": str(MOST_PODS),
    }
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "unknown"),
                "node-role.kubernetes.io/control-plane": "",
            },
        },
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": _conditions(),
            "nodeInfo": {
                "architecture": platform.machine(),
                "bootID": _line("/proc/sys/kernel/random/boot_id"),
                "containerRuntimeVersion": "process://1",
                "kernelVersion": platform.release(),
                "kubeProxyVersion": version,
                "kubeletVersion": version,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": _system(),
                "systemUUID": "",
            },
        },
    }
    store.commit([Put(ref, body)])


def _conditions() -> list[dict[str, str]]:
    now = timestamp()
    conditions = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "not monitored on this machine"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "not monitored on this machine"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "not monitored on this machine"),
        ("Ready", "True", "KubeletReady", "the mesh runs pods as processes of this machine"),
    ]
    return [
        {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        for type_, status, reason, message in conditions
    ]


def _line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"

"""A kubelet as small as the referee needs: a pod is a network namespace, its first container's program and an Envoy
that istiod configures, as Istio's sidecar would be. Images are not fetched: commands run with this Python.
"""

import json
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.referee_cluster.control_plane import Cluster
from tools.referee_cluster.network import ENVOY_USER, HOST, make_pod, remove_pod, write_hosts

Json = Any
RUNTIME = {"re2.max_program_size.error_level": "32768"}
GATEWAY = ("istio", "ingressgateway")


@dataclass(slots=True)
class Running:
    """A pod that runs: its network namespace, its address, its processes' names, and whether it was ready."""

    netns: str
    address: str
    processes: list[str]
    port: int
    ready: bool = False


class Kubelet(threading.Thread):
    """Makes the pods of the cluster run until `stop`."""

    def __init__(self, cluster: Cluster, envoy: Path) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self._envoy = envoy
        self._pods: dict[str, Running] = {}
        self._count = 0
        self._hosts = ""
        self._stopped = threading.Event()
        self.problems: list[str] = []

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.wait(0.2):
            try:
                self._step()
            except OSError as error:
                # A write that somebody else's overtook, or a server that is not there: the next step sees it again.
                self.problems.append(repr(error))

    def _step(self) -> None:
        self._follow_services()
        for pod in self._cluster.call("GET", "/api/v1/pods")["items"]:
            uid = pod["metadata"]["uid"]
            if pod["metadata"].get("deletionTimestamp"):
                self._end(pod)
            elif uid not in self._pods:
                self._start(pod)
            elif not self._pods[uid].ready and self._listens(self._pods[uid]):
                self._pods[uid].ready = True
                self._report(pod, self._pods[uid])

    def _follow_services(self) -> None:
        services = self._cluster.call("GET", "/api/v1/services")["items"]
        lines = ["127.0.0.1 localhost"]
        for service in services:
            name, space, address = (
                service["metadata"]["name"],
                service["metadata"]["namespace"],
                service["spec"].get("clusterIP", "None"),
            )
            if address != "None":
                lines.append(f"{address} {name} {name}.{space} {name}.{space}.svc {name}.{space}.svc.cluster.local")
        hosts = "\n".join(lines) + "\n"
        if hosts != self._hosts:
            self._hosts = hosts
            for running in self._pods.values():
                write_hosts(running.netns, hosts)

    def _start(self, pod: Json) -> None:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": "node-1"}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target}
            self._cluster.call("POST", f"{path}/binding", binding)
        self._count += 1
        netns, address = make_pod(self._count, self._hosts)
        is_gateway = GATEWAY in meta.get("labels", {}).items()
        bootstrap = self._cluster.processes.work / f"bootstrap-{self._count}.json"
        bootstrap.write_text(json.dumps(_bootstrap(pod, address, is_gateway=is_gateway)))
        envoy = f"envoy-{self._count}-{meta['name']}"
        user = [f"--reuid={ENVOY_USER}", f"--regid={ENVOY_USER}", "--clear-groups"]
        # Without hot restart no memory is shared by a number that another Envoy of this machine may have, too.
        words = ["-c", str(bootstrap), "--concurrency", "1", "-l", "warn", "--disable-hot-restart"]
        self._cluster.processes.start(envoy, ["setpriv", *user, str(self._envoy), *words], netns=netns)
        running = Running(netns, address, [envoy], 15021 if is_gateway else 0)
        if not is_gateway:
            container = pod["spec"]["containers"][0]
            running.port = container["ports"][0]["containerPort"]
            running.processes.append(f"program-{self._count}-{meta['name']}")
            command = [*container["command"], *container.get("args", [])]
            command = [sys.executable if command[0] == "python" else command[0], *command[1:]]
            self._cluster.processes.start(running.processes[1], command, _environ(pod, address), netns)
        self._pods[meta["uid"]] = running

    @staticmethod
    def _listens(running: Running) -> bool:
        # The gateway's Envoy has no port before istiod has sent one: whoever asks it waits for the answer.
        if running.port == 15021:
            return True
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((running.address, running.port)) == 0

    def _report(self, pod: Json, running: Running) -> None:
        meta, now = pod["metadata"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        types = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        status = {
            "phase": "Running",
            "podIP": running.address,
            "podIPs": [{"ip": running.address}],
            "hostIP": HOST,
            "startTime": now,
            "conditions": [{"type": type_, "status": "True", "lastTransitionTime": now} for type_ in types],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": "",
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": now}},
                }
                for container in pod["spec"]["containers"]
            ],
        }
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        self._cluster.call("PATCH", path, {"status": status}, "application/merge-patch+json")

    def _end(self, pod: Json) -> None:
        meta = pod["metadata"]
        running = self._pods.pop(meta["uid"], None)
        if running is not None:
            for name in running.processes:
                self._cluster.processes.stop(name)
            remove_pod(running.netns)
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        self._cluster.call("DELETE", path, {"gracePeriodSeconds": 0})


def _environ(pod: Json, address: str) -> dict[str, str]:
    meta = pod["metadata"]
    fields = {"metadata.name": meta["name"], "metadata.namespace": meta["namespace"], "status.podIP": address}
    fields |= {f"metadata.labels['{key}']": value for key, value in meta.get("labels", {}).items()}
    environ = {"PYTHONUNBUFFERED": "1"}
    for variable in pod["spec"]["containers"][0].get("env", []):
        source = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
        environ[variable["name"]] = variable["value"] if "value" in variable else fields.get(source, "")
    # A server in a pod is called at the pod's address and, by its own Envoy, at loopback.
    return environ | ({"HOST": "0.0.0.0"} if "HOST" in environ else {})  # noqa: S104 - in a namespace of its own


def _bootstrap(pod: Json, address: str, *, is_gateway: bool) -> Json:
    """What Envoy needs to ask istiod for its configuration, as Istio's agent would write it."""
    meta = pod["metadata"]
    labels, space = meta.get("labels", {}), meta["namespace"]
    node = {
        "NAMESPACE": space,
        "NAME": meta["name"],
        "LABELS": labels,
        "INSTANCE_IPS": address,
        "CLUSTER_ID": "Kubernetes",
        "ISTIO_VERSION": "1.31.0",
        "SERVICE_ACCOUNT": pod["spec"].get("serviceAccountName", "default"),
    }
    kind = "router" if is_gateway else "sidecar"
    http2: Json = {"explicit_http_config": {"http2_protocol_options": {}}}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    istiod = {
        "name": "istiod",
        "type": "STATIC",
        "typed_extension_protocol_options": {options: {"@type": f"type.googleapis.com/{options}", **http2}},
        "load_assignment": {
            "cluster_name": "istiod",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(HOST, 15010)}}]}],
        },
    }
    source = {"ads": {}, "resource_api_version": "V3"}
    ads = {
        "api_type": "GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}}],
    }
    return {
        "node": {
            "id": f"{kind}~{address}~{meta['name']}.{space}~{space}.svc.cluster.local",
            "cluster": f"{labels.get('app', meta['name'])}.{space}",
            "metadata": node,
        },
        "admin": {"address": _address("127.0.0.1", 15000)},
        "dynamic_resources": {"ads_config": ads, "lds_config": source, "cds_config": source},
        "static_resources": {"clusters": [istiod]},
        # As Istio's own bootstrap has it.
        "layered_runtime": {"layers": [{"name": "istio", "static_layer": RUNTIME}]},
    }


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}

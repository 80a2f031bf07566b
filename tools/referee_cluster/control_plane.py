"""etcd, kube-apiserver, kube-controller-manager and istiod, started as on a cluster, and a client for them."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.referee_cluster.network import HOST, run

Json = Any
# Of a server that lives for a minute, in a network namespace of its own.
ACCESS = "referee"
PATIENCE = 120.0
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}
# Without certificates there is no mutual TLS: what is compared is where requests go.
NO_MTLS = """apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: DISABLE}}
"""
MESH_CONFIG = 'enableAutoMtls: false\ndefaultConfig: {}\ndefaultProviders: {}\naccessLogFile: ""\n'
ISTIOD = {
    "POD_NAMESPACE": "istio-system",
    "POD_NAME": "istiod-0",
    "ENABLE_CA_SERVER": "false",
    "PILOT_CERT_PROVIDER": "none",
    # Filters that only Istio's own Envoy has.
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_DEBOUNCE_AFTER": "10ms",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    "KUBERNETES_SERVICE_HOST": HOST,
}


def until(what: str, condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What the condition returns once it is true. Raises SystemExit when that takes too long."""
    deadline = time.monotonic() + patience
    problem: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except (OSError, ValueError, LookupError) as error:
            problem = error
        time.sleep(0.1)
    raise SystemExit(f"not within {patience:.0f} s: {what} ({problem})")


class Processes:
    """What this cluster runs; their output goes to files."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, name: str, command: Sequence[str], environ: Mapping[str, str] | None = None, netns: str = ""
    ) -> None:
        """Starts a program, in a pod's network namespace if one is named."""
        words = ["ip", "netns", "exec", netns, *command] if netns else list(command)
        with (self.work / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                words,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environ or {})},
                start_new_session=True,
            )

    def stop(self, name: str) -> None:
        process = self._running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def logs(self, prefix: str) -> str:
        """The last words of the programs whose names begin so."""
        paths = sorted(self.work.glob(f"{prefix}*.log"))
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1000:]}" for path in paths)

    def stop_all(self) -> None:
        for name in reversed(tuple(self._running)):
            self.stop(name)


class Cluster:
    """The API server as an administrator sees it."""

    def __init__(self, processes: Processes, kubectl: Path) -> None:
        self.processes = processes
        self.kubeconfig = processes.work / "kubeconfig"
        self._kubectl = kubectl
        self._tls = ssl.create_default_context()
        # The server makes its certificate itself when it starts.
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    def call(self, method: str, path: str, body: Json = None, media: str = "application/json") -> Json:
        """An answer of the API. Raises OSError for an error or none at all."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {ACCESS}", "Content-Type": media}
        request = urllib.request.Request(f"https://{HOST}:6443{path}", data, headers, method=method)
        with urllib.request.urlopen(request, context=self._tls, timeout=20) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text.startswith(b"{") else text

    def kubectl(self, *words: str, text: str | None = None) -> str:
        """What stock kubectl prints. Raises SystemExit with its words when it fails."""
        return run(str(self._kubectl), f"--kubeconfig={self.kubeconfig}", *words, text=text)

    def start_kubernetes(self, etcd: Path, server: Path, manager: Path) -> None:
        """etcd, the API server and the controllers; returns when the server is ready."""
        work, start = self.processes.work, self.processes.start
        store, peers = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
        start("etcd", [
            *(str(etcd), "--data-dir", str(work / "etcd"), "--unsafe-no-fsync"),
            *("--listen-client-urls", store, "--advertise-client-urls", store, "--listen-peer-urls", peers),
            *("--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}"),
        ])  # fmt: skip
        key = work / "accounts.key"
        run("openssl", "genrsa", "-out", str(key), "2048")
        (work / "tokens.csv").write_text(f"{ACCESS},admin,admin,system:masters\n")
        start("kube-apiserver", [
            *(str(server), f"--etcd-servers={store}", "--service-cluster-ip-range=10.96.0.0/16"),
            *("--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={key}"),
            *(f"--service-account-signing-key-file={key}", "--authorization-mode=RBAC", "--allow-privileged"),
            *(f"--token-auth-file={work / 'tokens.csv'}", f"--bind-address={HOST}", f"--advertise-address={HOST}"),
            *(f"--cert-dir={work / 'certs'}", "--endpoint-reconciler-type=none"),
        ])  # fmt: skip
        self._write_kubeconfig()
        until("kube-apiserver", lambda: self.call("GET", "/readyz") == b"ok")
        start("kube-controller-manager", [
            *(str(manager), f"--kubeconfig={self.kubeconfig}", f"--service-account-private-key-file={key}"),
            *("--leader-elect=false", "--bind-address=127.0.0.1", "--use-service-account-credentials=false"),
            # The only node has no kubelet that reports on it.
            "--controllers=*,-node-lifecycle-controller,-pod-garbage-collector-controller",
        ])  # fmt: skip
        self.call("POST", "/api/v1/nodes", NODE)

    def start_istiod(self, istiod: Path, definitions: Sequence[Path]) -> None:
        """Istio's kinds and its control plane; returns when that is ready."""
        for path in definitions:
            self.kubectl("apply", "--server-side", "-f", str(path))
        self.kubectl("create", "namespace", "istio-system")
        self.kubectl("apply", "-f", "-", text=NO_MTLS)
        config = self.processes.work / "mesh.yaml"
        config.write_text(MESH_CONFIG)
        command = [
            *(str(istiod), "discovery", f"--kubeconfig={self.kubeconfig}", f"--meshConfig={config}"),
            *("--grpcAddr", f"{HOST}:15010", "--secureGRPCAddr=", "--httpAddr", f"{HOST}:8080", "--httpsAddr="),
            *("--monitoringAddr", f"{HOST}:15014", "--clusterID=Kubernetes", "--domain=cluster.local"),
        ]
        self.processes.start("istiod", command, ISTIOD)
        ready = f"http://{HOST}:8080/ready"
        until("istiod", lambda: urllib.request.urlopen(ready, timeout=2).status == 200)

    def _write_kubeconfig(self) -> None:
        server = {"server": f"https://{HOST}:6443", "insecure-skip-tls-verify": True}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "referee",
            "contexts": [{"name": "referee", "context": {"cluster": "referee", "user": "admin"}}],
            "clusters": [{"name": "referee", "cluster": server}],
            "users": [{"name": "admin", "user": {"token": ACCESS}}],
        }
        self.kubeconfig.write_text(json.dumps(config))

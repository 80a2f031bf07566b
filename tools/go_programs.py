"""Programs built with Go from pinned modules, once, below ~/.cache/meshmall/referees (or $MESHMALL_REFEREES)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

KUBERNETES, ETCD = "1.37.2", "3.7.3"
# Istio's release branches are no versions of its Go module; this commit of its main branch is 1.31.
ISTIO = "v0.0.0-20260827124520-eed52ebb66ad"
# Kubernetes' own modules, which its go.mod replaces by folders that only its repository has.
STAGING = (
    "api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap "
    "code-generator component-base component-helpers controller-manager cri-api cri-client cri-streaming "
    "csi-translation-lib dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator "
    "kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission "
    "sample-apiserver sample-cli-plugin sample-controller streaming"
)
VERSION = "k8s.io/component-base/version"


def kept_in() -> Path:
    """The folder of everything that has been built."""
    return Path(os.environ.get("MESHMALL_REFEREES") or Path.home() / ".cache" / "meshmall" / "referees")


class GoPrograms:
    """What has been built is kept; the first build of each takes minutes, and says so."""

    def __init__(self, go: str, folder: Path) -> None:
        self.go = go
        self.folder = folder

    @classmethod
    def find(cls) -> "GoPrograms | None":
        """None where Go is missing."""
        go = shutil.which("go")
        return None if go is None else cls(go, kept_in())

    def etcd(self) -> Path:
        return self.build(f"etcd-{ETCD}", f"require go.etcd.io/etcd/server/v3 v{ETCD}\n", "go.etcd.io/etcd/server/v3")

    def kubernetes(self, command: str) -> Path:
        """A program of Kubernetes, such as kube-apiserver."""
        staged = KUBERNETES.replace("1.", "0.", 1)
        replaced = "".join(f"\tk8s.io/{name} => k8s.io/{name} v{staged}\n" for name in STAGING.split())
        required = f"require k8s.io/kubernetes v{KUBERNETES}\n\nreplace (\n{replaced})\n"
        major, minor, _ = KUBERNETES.split(".")
        flags = f"-X {VERSION}.gitVersion=v{KUBERNETES} -X {VERSION}.gitMajor={major} -X {VERSION}.gitMinor={minor}"
        return self.build(f"{command}-{KUBERNETES}", required, f"k8s.io/kubernetes/cmd/{command}", flags)

    def istiod(self) -> Path:
        """Istio's control plane, which its source calls pilot-discovery."""
        name = f"pilot-discovery-{ISTIO.rpartition('-')[2]}"
        return self.build(name, f"require istio.io/istio {ISTIO}\n", "istio.io/istio/pilot/cmd/pilot-discovery")

    def build(self, name: str, requirements: str, package: str, flags: str = "") -> Path:
        """The path of a program, compiled if it is not there yet."""
        program = self.folder / name
        if program.exists():
            return program
        source = self._module(f"{name}-source", requirements)
        sys.stdout.write(f"building {name} (minutes, once)\n")
        sys.stdout.flush()
        new = program.with_name(f"{name}.new")
        command = [self.go, "build", "-mod=mod", "-trimpath", f"-ldflags=-s -w {flags}", "-o", str(new), package]
        subprocess.run(command, cwd=source, check=True)
        # Under its name only when it is complete.
        new.rename(program)
        return program

    def module(self, module: str, version: str) -> Path:
        """The folder with the source of a module."""
        source = self._module("definitions-source", "")
        subprocess.run([self.go, "get", f"{module}@{version}"], cwd=source, check=True, capture_output=True)
        command = [self.go, "list", "-m", "-f", "{{.Dir}}", module]
        listed = subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
        return Path(listed.stdout.strip())

    def _module(self, name: str, requirements: str) -> Path:
        source = self.folder / name
        source.mkdir(parents=True, exist_ok=True)
        if not (source / "go.mod").exists():
            (source / "go.mod").write_text(f"module referee\n\ngo 1.26.0\n\n{requirements}")
        return source

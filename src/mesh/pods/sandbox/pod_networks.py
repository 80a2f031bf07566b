"""The pods' networks that the agent keeps: a descriptor each, a file that Envoy names, a record on disk."""

import json
import os
from pathlib import Path

from mesh.pods.network import namespaces
from mesh.pods.network.resolver import Resolver
from mesh.pods.sandbox.spec import PodNetwork
from mesh.syscalls import MS_BIND, mount


class PodNetworks:
    """Makes, finds again and removes. `folder` holds the files at which the namespaces are bound."""

    def __init__(self, folder: Path, records: Path, resolver: Resolver) -> None:
        self.folder = folder
        self._records = records
        self._resolver = resolver
        for path in (folder, records):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.pods: dict[str, PodNetwork] = {}
        self._descriptors: dict[str, int] = {}

    def prepare(self) -> None:
        """Makes the folder a mount, which containers leave behind as one. Call it once in the mesh's mount namespace.

        Their mount namespaces begin as copies: if they kept the mounts in this folder, a pod's network would live as
        long as the pods that were started after it.
        """
        mount(str(self.folder), str(self.folder), flags=MS_BIND)

    def descriptor(self, uid: str) -> int:
        """The pod's network namespace. Raises OSError when there is none."""
        if uid not in self._descriptors:
            raise OSError(f'pod "{uid}" has no network; it has to be created first')
        return self._descriptors[uid]

    def create(self, uid: str, name: str, address: str, namespace: int | None = None) -> PodNetwork:
        """Makes a pod's network, or wires an existing one anew: a descriptor of its `namespace` is then taken over."""
        pod = PodNetwork(uid, name, address, str(self.folder / uid))
        existing = self.pods.get(uid)
        if existing is not None and existing.address != address:
            namespaces.unwire_pod(existing.address)
        if uid not in self._descriptors:
            if namespace is None:
                namespace = namespaces.new_namespace(Path(pod.path))
            elif not Path(pod.path).exists() or Path(pod.path).stat().st_ino != os.fstat(namespace).st_ino:
                namespaces.bind_namespace(namespace, Path(pod.path))
            self._descriptors[uid] = namespace
        self.pods[uid] = pod
        try:
            namespaces.wire_pod(self._descriptors[uid], address)
            with namespaces.inside(self._descriptors[uid]):
                self._resolver.open(uid)
        except OSError:
            self.remove(uid)
            raise
        (self._records / uid).write_text(json.dumps(pod._asdict()))
        return pod

    def remove(self, uid: str) -> None:
        """Removes link, file and record. Does nothing when there is no such pod."""
        pod = self.pods.pop(uid, None)
        if pod is None:
            return
        self._resolver.close(uid)
        namespaces.unwire_pod(pod.address)
        namespaces.release_namespace(Path(pod.path))
        os.close(self._descriptors.pop(uid))
        (self._records / uid).unlink(missing_ok=True)

    def abandon(self) -> None:
        """Removes the files and records of all pods. Their links end with the agent: much faster than one by one."""
        for uid, pod in self.pods.items():
            self._resolver.close(uid)
            os.close(self._descriptors.pop(uid))
            self.forget(pod)
        self.pods.clear()

    def written_down(self) -> list[PodNetwork]:
        """The pods of the previous agent."""
        pods = []
        for path in sorted(self._records.iterdir()):
            try:
                pods.append(PodNetwork(**json.loads(path.read_text())))
            except (OSError, ValueError, TypeError):
                path.unlink(missing_ok=True)
        return pods

    def forget(self, pod: PodNetwork) -> None:
        """Removes what a pod that no longer runs left on disk."""
        namespaces.release_namespace(Path(pod.path))
        (self._records / pod.uid).unlink(missing_ok=True)

"""Brings the images of containers here, and says so in events as the kubelet does.

Source: Kubernetes' kubelet (pkg/kubelet/images/image_manager.go) for policies, reasons and messages.
"""

import asyncio
import base64
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mesh.images.client import ask
from mesh.images.errors import BadReference, ImageError
from mesh.images.reference import Reference
from mesh.images.store import ImageRecord, ImageStore
from mesh.pods.environment import program_path
from mesh.pods.image_programs import Images, ImagesError
from mesh.pods.images.choice import IMAGE, MACHINE, Mode, Way, pull_policy, way
from mesh.pods.images.container_image import ContainerImage
from mesh.pods.images.support import ImageSupport
from mesh.pods.obstacle import NotYet
from mesh.resources.core.config import Secret, ServiceAccount
from mesh.resources.core.ephemeral_container import EphemeralContainer
from mesh.resources.core.pod import Container, Pod
from mesh.resources.values.ref import Ref
from mesh.store import Store

FOLDER = "images"
MOST_PULLS = 3
SECRET_KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
Record = Callable[[str, str, str], None]
Ask = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]


class ContainerImages:
    """The images of one mesh's containers.

    `support` says whether containers can run from images here.
    """

    def __init__(
        self,
        home: Path,
        store: Store,
        programs: Images,
        mode: Mode,
        support: Callable[[], ImageSupport],
        ask: Ask = ask,
    ) -> None:
        self.store = ImageStore(home / FOLDER)
        self._mode: Mode = mode
        self._support = support
        self._home = home
        self._objects = store
        self._programs = programs
        self._ask = ask
        self._pulls: dict[str, asyncio.Task[ImageRecord]] = {}
        self._slots = asyncio.Semaphore(MOST_PULLS)

    @property
    def mode(self) -> Mode:
        return "never" if self._support().why_not else self._mode

    def describe(self) -> dict[str, str]:
        """For `meshmall status`: which containers run from images, and why none can where that is so."""
        return {"mode": self._mode, "whyNot": self._support().why_not if self._mode != "never" else ""}

    def way(self, pod: Pod, container: Container) -> Way:
        """Whether a container runs from its image or from this machine."""
        return way(
            pod,
            container,
            self.mode,
            is_mapped=lambda other: self._is_mapped(pod, other),
            is_stored=self._is_stored,
            is_program=lambda name: shutil.which(name, path=program_path()) is not None,
        )

    def from_image(self, pod: Pod) -> list[str]:
        """The names of the containers that run from their images."""
        containers = (*pod.spec.init_containers, *pod.spec.containers)
        return [container.name for container in containers if self.way(pod, container) == IMAGE]

    async def image(self, pod: Pod, container: Container, record: Record) -> ContainerImage | None:
        """The image that a container runs from, pulled where its policy says so; None for a program of this machine.

        Raises NotYet, with the kubelet's reasons.
        """
        if self.way(pod, container) == MACHINE:
            return None
        try:
            reference = Reference.parse(container.image)
        except BadReference as error:
            raise NotYet(
                "InvalidImageName", f'Failed to apply default image tag "{container.image}": {error}'
            ) from None
        policy = pull_policy(container, reference.tag, reference.digest)
        found = self.store.find(reference)
        if policy == "Never" and found is None:
            message = f'Container image "{container.image}" is not present with pull policy of Never'
            raise NotYet("ErrImageNeverPull", message)
        if found is not None and policy != "Always":
            record("Normal", "Pulled", f'Container image "{container.image}" already present on machine')
            return self._to_run(found)
        try:
            return self._to_run(await self._pull(pod, container, reference, policy, record))
        except ImageError as error:
            if isinstance(container, EphemeralContainer):
                return None  # for debugging, a shell of this machine is better than none
            record("Warning", "Failed", f'Failed to pull image "{container.image}": {error}')
            raise NotYet("ErrImagePull", str(error)) from None

    def stored(self, container: Container) -> ContainerImage | None:
        """The image of a container that runs already, whatever its policy says."""
        try:
            found = self.store.find(Reference.parse(container.image))
        except BadReference:
            return None
        return self._to_run(found) if found is not None else None

    async def close(self) -> None:
        """Ends the pulls that are under way; what has come is resumed by the next ones."""
        tasks = list(self._pulls.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def prune(self, unused_for: float) -> None:
        """Removes what no pod names and nobody has used for so many seconds. Raises ImageError."""
        if self.store.images():
            request = {"action": "prune", "home": str(self._home), "unused_for": unused_for, "keep": self._named()}
            await self._ask({**request, "flat": self._support().is_flat})

    def _named(self) -> list[str]:
        references = set()
        for pod in self._objects.of(Pod):
            for container in (*pod.spec.init_containers, *pod.spec.containers):
                with suppress(BadReference):
                    references.add(str(Reference.parse(container.image)))
        return sorted(references)

    def _is_mapped(self, pod: Pod, container: Container) -> bool:
        try:
            return self._programs.resolve(container.image, pod.metadata.namespace) is not None
        except ImagesError:
            return True  # it may be; whoever starts the container says what is wrong with the mapping

    def _is_stored(self, container: Container) -> bool:
        try:
            return self.store.find(Reference.parse(container.image)) is not None
        except BadReference:
            return False

    async def _pull(
        self, pod: Pod, container: Container, reference: Reference, policy: str, record: Record
    ) -> ImageRecord:
        record("Normal", "Pulling", f'Pulling image "{container.image}"')
        loop = asyncio.get_running_loop()
        begun = loop.time()
        request = {
            "action": "pull",
            "home": str(self._home),
            "reference": str(reference),
            "secrets": self._secrets(pod),
            "engine_first": policy != "Always",
            "flat": self._support().is_flat,
        }
        # Pods with other secrets may be refused where this one is not.
        key = repr((str(reference), request["secrets"], policy))
        task = self._pulls.get(key)
        if task is None:
            task = self._pulls[key] = asyncio.create_task(self._pulled(request))
            task.add_done_callback(lambda _: self._pulls.pop(key, None))
        image = await asyncio.shield(task)
        seconds = loop.time() - begun
        record(
            "Normal",
            "Pulled",
            f'Successfully pulled image "{container.image}" in {seconds:.3g}s ({seconds:.3g}s including waiting). '
            f"Image size: {image.size} bytes.",
        )
        return image

    async def _pulled(self, request: Mapping[str, Any]) -> ImageRecord:
        async with self._slots:
            answer = await self._ask(request)
        return ImageRecord(**answer["images"][0])

    def _to_run(self, image: ImageRecord) -> ContainerImage:
        self.store.touch(image.reference)
        name = Reference.parse(image.reference).name
        return ContainerImage(
            image.reference,
            f"{name}@{image.digest}",
            str(self.store.layers),
            tuple(image.layers),
            self.store.config(image),
        )

    def _secrets(self, pod: Pod) -> list[str]:
        """The documents of the pod's imagePullSecrets, and of its ServiceAccount's."""
        namespace = pod.metadata.namespace or ""
        names = [entry.name for entry in pod.spec.image_pull_secrets]
        account: ServiceAccount | None = self._typed(
            "ServiceAccount", namespace, pod.spec.service_account_name or "default"
        )
        names += [str(entry.get("name", "")) for entry in (account.image_pull_secrets if account is not None else ())]
        documents = []
        for name in dict.fromkeys(names):
            secret: Secret | None = self._typed("Secret", namespace, name)
            key = SECRET_KEYS.get(secret.type if secret is not None else "", "")
            if secret is not None and key in secret.data:
                documents.append(base64.b64decode(secret.data[key]).decode(errors="replace"))
        return documents

    def _typed(self, kind: str, namespace: str, name: str) -> Any:
        stored = self._objects.get(Ref("", kind, namespace, name))
        return None if stored is None else self._objects.typed(stored)

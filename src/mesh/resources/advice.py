"""What is allowed in an object and hardly meant: told as warnings, as Kubernetes and Istio's webhook do."""

from collections.abc import Callable, Iterator
from typing import Any

from mesh.resources.deployment import Deployment, ReplicaSet
from mesh.resources.meta import Resource
from mesh.resources.pod import Pod, PodSpec
from mesh.resources.problems import FieldError
from mesh.resources.virtual_service import HTTPMatchRequest, VirtualService

Advice = Iterator[FieldError]


def advise(typed: Resource) -> list[FieldError]:
    """The places worth a second look, paths relative to the object."""
    look = _LOOKS.get(type(typed))
    return list(look(typed)) if look else []


def _pod(spec: PodSpec, base: str) -> Advice:
    for group, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for number, container in enumerate(containers):
            path = f"{base}.{group}[{number}]"
            first: dict[str, int] = {}
            for place, variable in enumerate(container.env):
                if first.setdefault(variable.name, place) != place:
                    yield FieldError(
                        f"{path}.env[{place}].name", f'"{variable.name}" stands twice; the last one is taken'
                    )
            if container.volume_mounts:
                yield FieldError(
                    f"{path}.volumeMounts",
                    "a process here has no mounts: each volume is a folder, its path in MESHMALL_VOLUME_<NAME>",
                )


def _routes(typed: VirtualService) -> Advice:
    taken = ""
    for number, route in enumerate(typed.spec.http):
        if taken:
            yield FieldError(f"spec.http[{number}]", f"is never reached: {taken} takes every request before it")
            return
        if route.delegate is None and (not route.match or any(block == EVERYTHING for block in route.match)):
            taken = f"spec.http[{number}]"


EVERYTHING = HTTPMatchRequest()
_LOOKS: dict[type[Resource], Callable[[Any], Advice]] = {
    Deployment: lambda typed: _pod(typed.spec.template.spec, "spec.template.spec"),
    ReplicaSet: lambda typed: _pod(typed.spec.template.spec, "spec.template.spec"),
    Pod: lambda typed: _pod(typed.spec, "spec"),
    VirtualService: _routes,
}

"""What is allowed in an object and hardly meant: told as warnings, as Kubernetes and Istio's webhook do."""

from collections.abc import Callable, Iterator
from typing import Any

from mesh.resources.analysis.shadowing import shadowed
from mesh.resources.core.deployment import Deployment, ReplicaSet
from mesh.resources.core.pod import Pod, PodSpec
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.meta import Resource
from mesh.resources.values.problems import FieldError

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


def _virtual_service(typed: VirtualService) -> Advice:
    yield from _claims(typed)
    yield from shadowed(typed)


def _claims(typed: VirtualService) -> Advice:
    """Blocks that ask what a token says where nobody has looked at it yet."""
    for number, route in enumerate(typed.spec.http):
        for place, block in enumerate(route.match):
            gateways = block.gateways or typed.spec.gateways
            for group, matches in (("headers", block.headers), ("withoutHeaders", block.without_headers)):
                found = next((name for name in matches if name.startswith("@")), None)
                if found is not None and typed.spec.hosts and (not gateways or "mesh" in gateways):
                    path = f"spec.http[{number}].match[{place}].{group}[{found[:80]}]"
                    yield FieldError(path, "is known at gateways alone; within the mesh the block takes no request")


def _destination_rule(typed: DestinationRule) -> Advice:
    """TLS of Istio's own, which pods without proxies do not speak."""
    spec = typed.spec
    policies = [("spec.trafficPolicy", spec.traffic_policy)]
    policies += [(f"spec.subsets[{n}].trafficPolicy", each.traffic_policy) for n, each in enumerate(spec.subsets)]
    for path, policy in policies:
        if policy is None:
            continue
        spoken = [(path, policy.tls)]
        spoken += [(f"{path}.portLevelSettings[{n}]", each.tls) for n, each in enumerate(policy.port_level_settings)]
        for where, tls in spoken:
            if tls is not None and tls.mode == "ISTIO_MUTUAL":
                yield FieldError(f"{where}.tls.mode", "ISTIO_MUTUAL has no effect here: nothing leaves the machine")


_LOOKS: dict[type[Resource], Callable[[Any], Advice]] = {
    Deployment: lambda typed: _pod(typed.spec.template.spec, "spec.template.spec"),
    ReplicaSet: lambda typed: _pod(typed.spec.template.spec, "spec.template.spec"),
    Pod: lambda typed: _pod(typed.spec, "spec"),
    VirtualService: _virtual_service,
    DestinationRule: _destination_rule,
}

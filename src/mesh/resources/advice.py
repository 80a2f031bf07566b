"""What is allowed in an object and hardly meant: told as warnings, as Kubernetes and Istio's webhook do."""

from collections.abc import Callable, Iterator
from typing import Any

from mesh.resources.deployment import Deployment, ReplicaSet
from mesh.resources.destination_rule import DestinationRule
from mesh.resources.istio import StringMatch
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


def _virtual_service(typed: VirtualService) -> Advice:
    yield from _claims(typed)
    yield from _routes(typed)


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


def _routes(typed: VirtualService) -> Advice:
    """Routes that no request reaches: each of their blocks asks for no more than an earlier one."""
    earlier: list[tuple[str, HTTPMatchRequest]] = []
    for number, route in enumerate(typed.spec.http):
        path = f"spec.http[{number}]"
        blocks = route.match or [EVERYTHING]
        if any(block == EVERYTHING for _, block in earlier):
            taken = next(place for place, block in earlier if block == EVERYTHING)
            yield FieldError(path, f"is never reached: {taken} takes every request before it")
            return
        takers = [next((place for place, held in earlier if _takes(held, block)), "") for block in blocks]
        if all(takers):
            places = " and ".join(dict.fromkeys(takers))
            yield FieldError(path, f"is never reached: {places} takes all of its requests before it")
        if route.delegate is None:
            earlier += [(path, block) for block in blocks]


EVERYTHING = HTTPMatchRequest()


def _takes(held: HTTPMatchRequest, block: HTTPMatchRequest) -> bool:
    """Whether every request of `block` surely is one of `held` too."""
    if held.uri is not None and not (
        block.uri is not None and held.ignore_uri_case == block.ignore_uri_case and _wider(held.uri, block.uri)
    ):
        return False
    for name in ("scheme", "method", "authority"):
        wide, narrow = getattr(held, name), getattr(block, name)
        if wide is not None and (narrow is None or not _wider(wide, narrow)):
            return False
    for name in ("headers", "query_params"):
        wide, narrow = getattr(held, name), getattr(block, name)
        if not all(key in narrow and _wider(match, narrow[key]) for key, match in wide.items()):
            return False
    same = all(block.without_headers.get(key) == match for key, match in held.without_headers.items())
    return (
        same
        and held.port in (0, block.port)
        and held.source_namespace in ("", block.source_namespace)
        and held.source_labels.items() <= block.source_labels.items()
        and (not held.gateways or (bool(block.gateways) and set(block.gateways) <= set(held.gateways)))
    )


def _wider(wide: StringMatch, narrow: StringMatch) -> bool:
    if wide == narrow or wide == StringMatch():
        return True
    text = narrow.exact if narrow.exact is not None else narrow.prefix
    return wide.prefix is not None and text is not None and text.startswith(wide.prefix)


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

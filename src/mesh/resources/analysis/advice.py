"""What is valid but probably unintended: shown as warnings, as Kubernetes and Istio's webhook do."""

import re
from collections.abc import Iterator

from mesh.resources.analysis.shadowing import shadowed
from mesh.resources.core.batch import Job
from mesh.resources.core.deployment import Deployment, ReplicaSet
from mesh.resources.core.pod import Container, Pod, PodSpec
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.values.problems import FieldError

Advice = Iterator[FieldError]
# A regex without anything that repeats, chooses or ends: with or without "^" at its beginning.
LITERAL = re.compile(r"\^?[^\\^$*+?{}\[\]|()]+")


def advise_pod(pod: Pod) -> Advice:
    """What a Pod's containers say in vain."""
    yield from _pod(pod.spec, "spec")


def advise_workload(workload: Deployment | ReplicaSet | Job) -> Advice:
    """What the containers of a template say in vain."""
    yield from _pod(workload.spec.template.spec, "spec.template.spec")


def _pod(spec: PodSpec, base: str) -> Advice:
    for group, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for number, container in enumerate(containers):
            path = f"{base}.{group}[{number}]"
            first: dict[str, int] = {}
            for place, variable in enumerate(container.env):
                if first.setdefault(variable.name, place) != place:
                    yield FieldError(f"{path}.env[{place}].name", f'duplicate "{variable.name}"; the last one is used')
            yield from _probes(container, path)


def _probes(container: Container, path: str) -> Advice:
    """Probes of a port by a name that the container does not declare: they fail whenever they run."""
    names = [port.name for port in container.ports if port.name]
    for kind, probe in (
        ("startupProbe", container.startup_probe),
        ("readinessProbe", container.readiness_probe),
        ("livenessProbe", container.liveness_probe),
    ):
        for action, handler in (
            ("httpGet", probe.http_get if probe else None),
            ("tcpSocket", probe.tcp_socket if probe else None),
        ):
            if handler is not None and isinstance(handler.port, str) and handler.port not in names:
                message = f'"{handler.port}" is not a port of this container (it has {", ".join(names) or "none"})'
                yield FieldError(f"{path}.{kind}.{action}.port", message)


def advise_virtual_service(rule: VirtualService) -> Advice:
    """Blocks that no request reaches, and those that match no request."""
    yield from _claims(rule)
    yield from _unanchored(rule)
    yield from shadowed(rule)


def _unanchored(rule: VirtualService) -> Advice:
    """Regexes that read as if they looked for a text anywhere, or at the beginning: they must match the whole value."""
    for number, route in enumerate(rule.spec.http):
        for place, block in enumerate(route.match):
            path = f"spec.http[{number}].match[{place}]"
            matches = [(name, getattr(block, name)) for name in ("uri", "scheme", "method", "authority")]
            for group, values in (
                ("headers", block.headers),
                ("withoutHeaders", block.without_headers),
                ("queryParams", block.query_params),
            ):
                matches += [(f"{group}[{key[:80]}]", value) for key, value in values.items()]
            for name, match in matches:
                regex = match.regex if match is not None else None
                if regex and LITERAL.fullmatch(regex):
                    message = f'"{regex[:80]}" must match the whole value, and so takes no longer one'
                    yield FieldError(f"{path}.{name}.regex", f'{message}; write "{regex[:80]}.*", or use exact')


def _claims(rule: VirtualService) -> Advice:
    """Blocks that match a claim where the token has not been read yet: only gateways do that."""
    for number, route in enumerate(rule.spec.http):
        for place, block in enumerate(route.match):
            gateways = block.gateways or rule.spec.gateways
            for group, matches in (("headers", block.headers), ("withoutHeaders", block.without_headers)):
                claim = next((name for name in matches if name.startswith("@")), None)
                if claim is not None and rule.spec.hosts and (not gateways or "mesh" in gateways):
                    path = f"spec.http[{number}].match[{place}].{group}[{claim[:80]}]"
                    yield FieldError(path, "is known only at gateways; inside the mesh the block matches no request")


def advise_destination_rule(rule: DestinationRule) -> Advice:
    """Istio's mutual TLS, which needs a proxy in each pod."""
    spec = rule.spec
    policies = [("spec.trafficPolicy", spec.traffic_policy)]
    policies += [(f"spec.subsets[{n}].trafficPolicy", item.traffic_policy) for n, item in enumerate(spec.subsets)]
    for path, policy in policies:
        if policy is None:
            continue
        spoken = [(path, policy.tls)]
        spoken += [(f"{path}.portLevelSettings[{n}]", item.tls) for n, item in enumerate(policy.port_level_settings)]
        for where, tls in spoken:
            if tls is not None and tls.mode == "ISTIO_MUTUAL":
                yield FieldError(f"{where}.tls.mode", "ISTIO_MUTUAL has no effect here: nothing leaves the machine")

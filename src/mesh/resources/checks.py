"""What one object alone can get wrong beyond its structure: Kubernetes' and Istio's own validation."""

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from mesh.resources.checks_istio import check_destination_rule, check_gateway, check_virtual_service
from mesh.resources.checks_pod import check_template
from mesh.resources.config import ConfigMap, Secret
from mesh.resources.deployment import Deployment
from mesh.resources.destination_rule import DestinationRule
from mesh.resources.durations import share
from mesh.resources.gateway import Gateway
from mesh.resources.meta import Resource
from mesh.resources.names import DATA_KEY, PORT_NAME, wrong_label, wrong_labels, wrong_port
from mesh.resources.pod import Pod
from mesh.resources.problems import FieldError, meant
from mesh.resources.service import Service
from mesh.resources.virtual_service import VirtualService

NODE_PORTS = range(30000, 32768)
SERVICE_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
Errors = Iterator[FieldError]


def check_object(typed: Resource) -> list[FieldError]:
    """All that is wrong with this object, paths relative to it."""
    check = _CHECKS.get(type(typed))
    return list(check(typed)) if check else []


def check_update(old: Resource, new: Resource) -> list[FieldError]:
    """What may not change once an object is stored."""
    errors = []
    if isinstance(old, Deployment) and isinstance(new, Deployment) and old.spec.selector != new.spec.selector:
        errors.append(
            FieldError("spec.selector", "cannot be changed; delete the Deployment first, or name it otherwise")
        )
    if (
        isinstance(old, Service)
        and isinstance(new, Service)
        and old.spec.cluster_ip != new.spec.cluster_ip
        and new.spec.cluster_ip
        and "ExternalName" not in (old.spec.type, new.spec.type)
    ):
        errors.append(FieldError("spec.clusterIP", f'cannot be changed; it is "{old.spec.cluster_ip}"'))
    if isinstance(old, ConfigMap | Secret) and isinstance(new, ConfigMap | Secret) and old.immutable:
        same = old.data == new.data and new.immutable
        if not same:
            errors.append(FieldError("data", "cannot be changed: the object is immutable"))
    return errors


def _deployment(typed: Deployment) -> Errors:
    spec = typed.spec
    if spec.replicas < 0:
        yield FieldError("spec.replicas", f"{spec.replicas} is below 0")
    selector = spec.selector
    if not selector.match_labels and not selector.match_expressions:
        yield FieldError("spec.selector", "selects nothing; give matchLabels")
    labels = spec.template.metadata.labels
    for key, value in selector.match_labels.items():
        if labels.get(key) != value:
            found = f'has "{labels[key]}"' if key in labels else "has no such label"
            yield FieldError(
                f"spec.template.metadata.labels[{key}]",
                f'the selector asks for "{value}", the template {found}; Deployment and pods must agree',
            )
    for number, requirement in enumerate(selector.match_expressions):
        if requirement.operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            yield FieldError(
                f"spec.selector.matchExpressions[{number}].operator",
                f'"{requirement.operator}" is none of In, NotIn, Exists, DoesNotExist',
            )
    if spec.strategy.type not in ("RollingUpdate", "Recreate"):
        yield FieldError("spec.strategy.type", f'"{spec.strategy.type}" is neither RollingUpdate nor Recreate')
    rolling = spec.strategy.rolling_update
    if rolling is not None:
        if spec.strategy.type == "Recreate":
            yield FieldError("spec.strategy.rollingUpdate", "does not go with type Recreate")
        shares = {}
        for name, wanted in (("maxSurge", rolling.max_surge), ("maxUnavailable", rolling.max_unavailable)):
            try:
                shares[name] = share(wanted, 100, up=True)
                if shares[name] < 0:
                    raise ValueError(f"{wanted} is below 0")
            except ValueError as error:
                yield FieldError(f"spec.strategy.rollingUpdate.{name}", str(error))
        if shares == {"maxSurge": 0, "maxUnavailable": 0}:
            yield FieldError(
                "spec.strategy.rollingUpdate.maxUnavailable",
                "may not be 0 when maxSurge is 0: nothing could move",
            )
    if spec.template.spec.restart_policy != "Always":
        yield FieldError("spec.template.spec.restartPolicy", "a Deployment's pods have restartPolicy Always")
    yield from check_template(spec.template, "spec.template")


def _service(typed: Service) -> Errors:
    spec = typed.spec
    if spec.type not in SERVICE_TYPES:
        yield FieldError("spec.type", f'"{spec.type}" is no type of Service{meant(spec.type, SERVICE_TYPES)}')
    elif spec.type == "ExternalName":
        yield FieldError("spec.type", "ExternalName needs name resolution, which this mesh does not do")
    if not spec.ports and spec.type != "ExternalName" and spec.cluster_ip != "None":
        yield FieldError("spec.ports", "is empty; a Service needs one port at least")
    yield from (FieldError(f"spec.selector[{key}]", why) for key, why in wrong_labels(spec.selector))
    names: set[str] = set()
    numbers: set[tuple[int, str]] = set()
    for number, port in enumerate(spec.ports):
        path = f"spec.ports[{number}]"
        if len(spec.ports) > 1 and not port.name:
            yield FieldError(f"{path}.name", "is missing; each port needs one where there are several")
        elif port.name and (wrong := wrong_label(port.name)):
            yield FieldError(f"{path}.name", wrong)
        if port.name and port.name in names:
            yield FieldError(f"{path}.name", f'"{port.name}" stands twice')
        names.add(port.name)
        if wrong := wrong_port(port.port):
            yield FieldError(f"{path}.port", wrong)
        if (port.port, port.protocol) in numbers:
            yield FieldError(f"{path}.port", f"{port.port}/{port.protocol} stands twice")
        numbers.add((port.port, port.protocol))
        target = port.target_port
        if isinstance(target, int) and (wrong := wrong_port(target)):
            yield FieldError(f"{path}.targetPort", wrong)
        if isinstance(target, str) and not PORT_NAME.fullmatch(target):
            yield FieldError(f"{path}.targetPort", f'"{target}" is neither a port nor the name of a container\'s port')
        if port.protocol != "TCP":
            yield FieldError(f"{path}.protocol", f'"{port.protocol}" does not pass this mesh; TCP does')
        if port.node_port:
            if spec.type not in ("NodePort", "LoadBalancer"):
                yield FieldError(f"{path}.nodePort", f"goes with type NodePort, not {spec.type}")
            if port.node_port not in NODE_PORTS:
                yield FieldError(f"{path}.nodePort", f"{port.node_port} is not in 30000-32767")
    if spec.session_affinity not in ("None", "ClientIP"):
        yield FieldError("spec.sessionAffinity", f'"{spec.session_affinity}" is neither None nor ClientIP')


def _data(typed: Any) -> Errors:
    for name in (*typed.data, *getattr(typed, "binary_data", {})):
        if not DATA_KEY.fullmatch(name):
            yield FieldError(f"data[{name[:80]}]", 'a key has letters, digits, "-", "_" and "."')


def _secret(typed: Secret) -> Errors:
    yield from _data(typed)
    for name, text in typed.data.items():
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            yield FieldError(f"data[{name}]", "is not base64; plain text goes into stringData")


_CHECKS: dict[type[Resource], Callable[[Any], Errors]] = {
    Deployment: _deployment,
    Service: _service,
    ConfigMap: _data,
    Secret: _secret,
    Pod: lambda typed: check_template(typed, ""),
    VirtualService: check_virtual_service,
    DestinationRule: check_destination_rule,
    Gateway: check_gateway,
}

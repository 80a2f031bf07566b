"""What one object alone can get wrong beyond its structure: Kubernetes' and Istio's own validation."""

import base64
import binascii
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mesh.resources.checks.authorization_policy import check_authorization_policy
from mesh.resources.checks.branch import check_branch
from mesh.resources.checks.destination_rule import check_destination_rule
from mesh.resources.checks.gateway import check_gateway
from mesh.resources.checks.gateway_api import (
    check_api_gateway,
    check_gateway_class,
    check_grpc_route,
    check_http_route,
    check_reference_grant,
)
from mesh.resources.checks.pod import check_template
from mesh.resources.checks.request_authentication import check_request_authentication
from mesh.resources.checks.service_entry import check_service_entry
from mesh.resources.checks.sidecar import check_sidecar
from mesh.resources.checks.virtual_service import check_virtual_service
from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.core.deployment import Deployment, DeploymentSpec, ReplicaSet
from mesh.resources.core.pod import Pod
from mesh.resources.core.service import Service, ServiceSpec
from mesh.resources.gateway_api.types import Gateway as ApiGateway
from mesh.resources.gateway_api.types import GatewayClass, GRPCRoute, HTTPRoute, ReferenceGrant
from mesh.resources.istio.authorization_policy import AuthorizationPolicy
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.istio.gateway import Gateway
from mesh.resources.istio.request_authentication import RequestAuthentication
from mesh.resources.istio.service_entry import ServiceEntry
from mesh.resources.istio.sidecar import Sidecar
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.meshmall.branch import Branch
from mesh.resources.validation.image_map import check_images
from mesh.resources.values.durations import share
from mesh.resources.values.meta import LabelSelector, Resource
from mesh.resources.values.names import DATA_KEY, PORT_NAME, none_of, wrong_label, wrong_labels, wrong_port
from mesh.resources.values.problems import FieldError, meant

LARGEST_DATA = 1 << 20
NODE_PORTS = range(30000, 32768)
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
SERVICE_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
Errors = Iterator[FieldError]


def check_object(typed: Resource) -> list[FieldError]:
    """All that is wrong with this object, paths relative to it."""
    check = _CHECKS.get(type(typed))
    return list(check(typed)) if check else []


def check_update(old: Resource, new: Resource) -> list[FieldError]:
    """What may not change once an object is stored."""
    errors = []
    if (
        isinstance(old, Deployment | ReplicaSet)
        and isinstance(new, Deployment | ReplicaSet)
        and old.spec.selector != new.spec.selector
    ):
        errors.append(
            FieldError("spec.selector", f"cannot be changed; delete the {old.kind} first, or name it otherwise")
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
        if not new.immutable:
            errors.append(FieldError("immutable", "cannot be taken back; delete the object first"))
        if old.data != new.data:
            errors.append(FieldError("data", "cannot be changed: the object is immutable"))
        if isinstance(old, ConfigMap) and isinstance(new, ConfigMap) and old.binary_data != new.binary_data:
            errors.append(FieldError("binaryData", "cannot be changed: the object is immutable"))
    if isinstance(old, Secret) and isinstance(new, Secret) and old.type != new.type:
        errors.append(FieldError("type", f'cannot be changed; it is "{old.type}"'))
    return errors


def _workload(typed: Deployment | ReplicaSet) -> Errors:
    spec = typed.spec
    yield from _count(spec.replicas, "spec.replicas")
    yield from _count(spec.min_ready_seconds, "spec.minReadySeconds")
    selector, labels = spec.selector, spec.template.metadata.labels
    if not selector.match_labels and not selector.match_expressions:
        yield FieldError("spec.selector", "selects nothing; give matchLabels")
    yield from _selector(selector)
    for key, value in selector.match_labels.items():
        if labels.get(key) != value:
            found = f'has "{labels[key]}"' if key in labels else "has no such label"
            yield FieldError(
                f"spec.template.metadata.labels[{key}]",
                f'the selector asks for "{value}", the template {found}; {typed.kind} and pods must agree',
            )
    for number, each in enumerate(selector.match_expressions):
        if each.operator in OPERATORS and not _holds(each.operator, labels.get(each.key), each.values):
            yield FieldError(
                f"spec.selector.matchExpressions[{number}]",
                f'the template\'s labels do not fit it; {typed.kind} and pods must agree on "{each.key}"',
            )
    if spec.template.spec.restart_policy in ("OnFailure", "Never"):
        yield FieldError("spec.template.spec.restartPolicy", f"a {typed.kind}'s pods have restartPolicy Always")
    if spec.template.spec.active_deadline_seconds is not None:
        yield FieldError("spec.template.spec.activeDeadlineSeconds", f"does not go with a {typed.kind}")
    yield from check_template(spec.template, "spec.template")


def _holds(operator: str, value: str | None, values: list[str]) -> bool:
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    return (value in values) == (operator == "In")


def _selector(selector: LabelSelector) -> Errors:
    yield from (
        FieldError(f"spec.selector.matchLabels[{key}]", why) for key, why in wrong_labels(selector.match_labels)
    )
    for number, each in enumerate(selector.match_expressions):
        path = f"spec.selector.matchExpressions[{number}]"
        yield from none_of(each.operator, OPERATORS, f"{path}.operator")
        yield from (FieldError(f"{path}.key", why) for _, why in wrong_labels({each.key: ""}))
        if each.operator in ("In", "NotIn") and not each.values:
            yield FieldError(f"{path}.values", f"is empty; {each.operator} needs one at least")
        if each.operator in ("Exists", "DoesNotExist") and each.values:
            yield FieldError(f"{path}.values", f"does not go with {each.operator}")


def _deployment(typed: Deployment) -> Errors:
    yield from _workload(typed)
    spec = typed.spec
    yield from _count(spec.revision_history_limit, "spec.revisionHistoryLimit")
    yield from _count(spec.progress_deadline_seconds, "spec.progressDeadlineSeconds")
    if spec.progress_deadline_seconds <= spec.min_ready_seconds:
        yield FieldError(
            "spec.progressDeadlineSeconds",
            f"{spec.progress_deadline_seconds} is not above minReadySeconds ({spec.min_ready_seconds})",
        )
    if spec.strategy.type not in ("RollingUpdate", "Recreate"):
        yield FieldError("spec.strategy.type", f'"{spec.strategy.type[:80]}" is neither RollingUpdate nor Recreate')
    yield from _rolling_update(spec)


def _rolling_update(spec: DeploymentSpec) -> Errors:
    rolling = spec.strategy.rolling_update
    if rolling is None:
        return
    if spec.strategy.type == "Recreate":
        yield FieldError("spec.strategy.rollingUpdate", "does not go with type Recreate")
    shares = {}
    for name, wanted in (("maxSurge", rolling.max_surge), ("maxUnavailable", rolling.max_unavailable)):
        try:
            shares[name] = share(wanted, 100, up=True)
            if shares[name] < 0:
                raise ValueError(f"{wanted} is below 0")
            if name == "maxUnavailable" and isinstance(wanted, str) and shares[name] > 100:
                raise ValueError(f'"{wanted}" is above 100%')
        except ValueError as error:
            yield FieldError(f"spec.strategy.rollingUpdate.{name}", str(error))
    if shares == {"maxSurge": 0, "maxUnavailable": 0}:
        yield FieldError(
            "spec.strategy.rollingUpdate.maxUnavailable", "may not be 0 when maxSurge is 0: nothing could move"
        )


def _count(value: int, path: str) -> Errors:
    if value < 0:
        yield FieldError(path, f"{value} is below 0")
    elif value >= 2**31:
        yield FieldError(path, f"{value} is above 2147483647")


def _service(typed: Service) -> Errors:
    spec = typed.spec
    if spec.type not in SERVICE_TYPES:
        yield FieldError("spec.type", f'"{spec.type}" is no type of Service{meant(spec.type, SERVICE_TYPES)}')
    elif spec.type == "ExternalName":
        yield FieldError("spec.type", "ExternalName needs name resolution, which this mesh does not do")
    if not spec.ports and spec.type != "ExternalName" and spec.cluster_ip != "None":
        yield FieldError("spec.ports", "is empty; a Service needs one port at least")
    yield from (FieldError(f"spec.selector[{key}]", why) for key, why in wrong_labels(spec.selector))
    yield from _ports(spec)
    if spec.session_affinity not in ("None", "ClientIP"):
        yield FieldError("spec.sessionAffinity", f'"{spec.session_affinity}" is neither None nor ClientIP')
    if spec.cluster_ip and spec.cluster_ip != "None":
        try:
            ipaddress.ip_address(spec.cluster_ip)
        except ValueError:
            yield FieldError("spec.clusterIP", f'"{spec.cluster_ip[:80]}" is neither an address nor "None"')


def _ports(spec: ServiceSpec) -> Errors:
    names: set[str] = set()
    node_ports: set[int] = set()
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
            if port.node_port in node_ports:
                yield FieldError(f"{path}.nodePort", f"{port.node_port} stands twice")
            node_ports.add(port.node_port)


def _keys(names: Iterable[str], field: str) -> Errors:
    for name in names:
        if not DATA_KEY.fullmatch(name) or name in (".", ".."):
            yield FieldError(f"{field}[{name[:80]}]", 'a key has letters, digits, "-", "_" and "."')


def _base64(values: Mapping[str, str], field: str, plain: str) -> Errors:
    for name, text in values.items():
        try:
            base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError):
            yield FieldError(f"{field}[{name[:80]}]", f"is not base64; plain text goes into {plain}")


def _config_map(typed: ConfigMap) -> Errors:
    yield from _keys(typed.data, "data")
    yield from _keys(typed.binary_data, "binaryData")
    yield from _base64(typed.binary_data, "binaryData", "data")
    for name in typed.binary_data.keys() & typed.data.keys():
        yield FieldError(f"binaryData[{name[:80]}]", "stands in data too")
    yield from _size(typed.data, typed.binary_data)
    yield from check_images(typed)


def _secret(typed: Secret) -> Errors:
    yield from _keys(typed.data, "data")
    yield from _base64(typed.data, "data", "stringData")
    yield from _size(typed.data)


def _size(*groups: Mapping[str, str]) -> Errors:
    size = sum(len(value) for group in groups for value in group.values())
    if size > LARGEST_DATA:
        yield FieldError("data", f"{size} characters; {LARGEST_DATA} at the most")


_CHECKS: dict[type[Resource], Callable[[Any], Errors]] = {
    Deployment: _deployment,
    ReplicaSet: _workload,
    Service: _service,
    ConfigMap: _config_map,
    Secret: _secret,
    Pod: lambda typed: check_template(typed, ""),
    VirtualService: check_virtual_service,
    DestinationRule: check_destination_rule,
    Gateway: check_gateway,
    Branch: check_branch,
    AuthorizationPolicy: check_authorization_policy,
    RequestAuthentication: check_request_authentication,
    ServiceEntry: check_service_entry,
    Sidecar: check_sidecar,
    GatewayClass: check_gateway_class,
    ApiGateway: check_api_gateway,
    HTTPRoute: check_http_route,
    GRPCRoute: check_grpc_route,
    ReferenceGrant: check_reference_grant,
}

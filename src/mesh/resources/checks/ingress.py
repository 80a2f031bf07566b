"""What an Ingress and an IngressClass can get wrong (Kubernetes, pkg/apis/networking/validation)."""

from collections.abc import Iterator

from mesh.resources.core.ingress import (
    CLASSES,
    HTTPIngressPath,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressRule,
    IngressTLS,
)
from mesh.resources.values.hosts import is_address
from mesh.resources.values.names import PORT_NAME, none_of, wrong_label, wrong_port, wrong_subdomain
from mesh.resources.values.problems import FieldError, forbidden, required

Errors = Iterator[FieldError]
PATH_TYPES = ("Exact", "Prefix", "ImplementationSpecific")
# What a path may not have in it: it would be read in two ways.
AMBIGUOUS = ("//", "/./", "/../", "%2f", "%2F")


def check_ingress(ingress: Ingress) -> Errors:
    """Everything wrong with an Ingress by itself."""
    spec = ingress.spec
    if not spec.rules and spec.default_backend is None:
        yield FieldError("spec", "has neither defaultBackend nor rules")
    if spec.ingress_class_name and (wrong := wrong_subdomain(spec.ingress_class_name)):
        yield FieldError("spec.ingressClassName", wrong)
    if spec.default_backend is not None:
        yield from _backend(spec.default_backend, "spec.defaultBackend")
    for number, tls in enumerate(spec.tls):
        yield from _tls(tls, f"spec.tls[{number}]")
    for number, rule in enumerate(spec.rules):
        yield from _rule(rule, f"spec.rules[{number}]")


def _tls(tls: IngressTLS, path: str) -> Errors:
    for place, host in enumerate(tls.hosts):
        if wrong := _wrong_host(host):
            yield FieldError(f"{path}.hosts[{place}]", wrong)
    if tls.secret_name and (wrong := wrong_subdomain(tls.secret_name)):
        yield FieldError(f"{path}.secretName", wrong)


def _rule(rule: IngressRule, path: str) -> Errors:
    if rule.host:
        if is_address(rule.host):
            yield FieldError(f"{path}.host", f'"{rule.host}" is an IP address; a host is a DNS name')
        elif wrong := _wrong_host(rule.host):
            yield FieldError(f"{path}.host", wrong)
    if rule.http is None:
        return
    if not rule.http.paths:
        yield required(f"{path}.http.paths", "is empty; a rule has at least one path")
    for place, entry in enumerate(rule.http.paths):
        yield from _path(entry, f"{path}.http.paths[{place}]")


def _path(entry: HTTPIngressPath, path: str) -> Errors:
    if not entry.path_type:
        yield required(f"{path}.pathType", f"is missing; use {', '.join(PATH_TYPES)}")
    else:
        yield from none_of(entry.path_type, PATH_TYPES, f"{path}.pathType")
    if entry.path_type in ("Exact", "Prefix"):
        if not entry.path.startswith("/"):
            yield FieldError(f"{path}.path", f'"{entry.path[:80]}" does not begin with "/"')
        for ambiguous in AMBIGUOUS:
            if ambiguous in entry.path:
                yield FieldError(f"{path}.path", f'has "{ambiguous}" in it')
        if entry.path.endswith(("/..", "/.")):
            yield FieldError(f"{path}.path", 'ends with "/." or "/.."')
    elif entry.path and not entry.path.startswith("/"):
        yield FieldError(f"{path}.path", f'"{entry.path[:80]}" does not begin with "/"')
    yield from _backend(entry.backend, f"{path}.backend")


def _backend(backend: IngressBackend, path: str) -> Errors:
    if backend.resource is not None:
        if backend.service is not None:
            yield FieldError(path, "has both resource and service")
        return
    if backend.service is None:
        yield FieldError(path, "has neither service nor resource")
        return
    if not backend.service.name:
        yield required(f"{path}.service.name")
    elif wrong := wrong_label(backend.service.name):
        yield FieldError(f"{path}.service.name", wrong)
    port = backend.service.port
    if port.name and port.number:
        yield FieldError(path, "has both the name and the number of a port")
    elif port.name:
        if not PORT_NAME.fullmatch(port.name):
            yield FieldError(f"{path}.service.port.name", f'"{port.name[:80]}" is not the name of a port')
    elif not port.number:
        yield required(path, "names no port of the Service: neither name nor number")
    elif wrong := wrong_port(port.number):
        yield FieldError(f"{path}.service.port.number", wrong)


def check_ingress_class(ingress_class: IngressClass) -> Errors:
    """Everything wrong with an IngressClass by itself."""
    controller = ingress_class.spec.controller
    domain, slash, path = controller.partition("/")
    if not controller:
        yield required("spec.controller")
    elif not slash or not path or wrong_subdomain(domain) or len(controller) > 250:
        yield FieldError("spec.controller", f'"{controller[:80]}" is not "domain/path"')
    parameters = ingress_class.spec.parameters
    if parameters is not None and parameters.scope != "Namespace" and parameters.namespace:
        yield forbidden("spec.parameters.namespace", "needs scope Namespace")


def check_ingress_class_update(old: IngressClass, new: IngressClass) -> Errors:
    """The controller of a class stays."""
    if old.spec.controller != new.spec.controller:
        yield FieldError("spec.controller", f'cannot be changed; it is "{old.spec.controller}"')


def advise_ingress(ingress: Ingress) -> Errors:
    """A class of another controller, and backends that are no Services: nothing serves them here."""
    name = ingress.class_name
    if name and name not in CLASSES:
        message = f'"{name}" is served here only if an IngressClass of Istio\'s controller has this name; use istio'
        yield FieldError("spec.ingressClassName", message)
    for path, backend in ingress.backends:
        if backend.resource is not None:
            yield FieldError(f"{path}.resource", "is not served here; requests get 503")


def _wrong_host(host: str) -> str:
    """A wildcard stands for one whole part, the first."""
    wrong = wrong_subdomain(host.removeprefix("*."))
    return wrong.replace(host.removeprefix("*."), host, 1) if wrong else ""

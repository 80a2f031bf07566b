"""The Services that an Ingress names."""

from collections.abc import Iterator

from mesh.resources.analysis.finding import Finding, warning
from mesh.resources.analysis.rule_references import RuleTargets
from mesh.resources.core.ingress import Ingress
from mesh.resources.values.hosts import service_host


def check_ingress_references(ingress: Ingress, targets: RuleTargets) -> Iterator[Finding]:
    """Every backend's Service, and its port by number."""
    for path, backend in ingress.backends:
        if backend.service is None:
            continue
        host = service_host(backend.service.name, ingress.metadata.namespace)
        if host not in targets.hosts:
            message = f'no Service is named "{backend.service.name}"; requests get 503'
            yield warning(ingress, f"{path}.service.name", message)
            continue
        number, ports = backend.service.port.number, targets.ports.get(host) or ()
        if number and ports and number not in ports:
            has = ", ".join(map(str, ports))
            message = f"{number} is not a port of Service {backend.service.name} (it has {has}); requests get 503"
            yield warning(ingress, f"{path}.service.port.number", message, "PortNotFound")

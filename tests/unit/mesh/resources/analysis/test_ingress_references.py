"""An Ingress names Services and their ports: what does not exist is reported with what happens to requests."""

from typing import Any

from mesh.resources.analysis.references import check_references
from mesh.resources.core.ingress import GROUP
from mesh.resources.validation.manifest import validate
from tests.support.objects import body, service


def findings(service_name: str, **port: Any) -> list[tuple[str, str]]:
    backend = {"service": {"name": service_name, "port": port}}
    rule = {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    objects = [service("shop"), body("Ingress", "web", group=GROUP, rules=[rule])]
    found = check_references(validate(item).typed for item in objects)
    return [(item.error.path, item.error.message) for item in found]


def test_a_backend_that_is_there_is_no_finding() -> None:
    assert findings("shop", number=7000) == []
    assert findings("shop", name="http") == []


def test_a_service_that_is_missing_and_a_port_that_it_does_not_have_are_reported() -> None:
    path = "spec.rules[0].http.paths[0].backend.service"
    assert findings("nobody", number=80) == [(f"{path}.name", 'no Service is named "nobody"; requests get 503')]
    ((where, message),) = findings("shop", number=80)
    assert where == f"{path}.port.number"
    assert "80 is not a port of Service shop (it has 7000)" in message

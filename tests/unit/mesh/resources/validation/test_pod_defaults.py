"""The defaults of pods: as a cluster stores them."""

from typing import Any

import pytest

from mesh.resources.validation.manifest import validate


def stored(**spec: Any) -> dict[str, Any]:
    containers = spec.pop("containers", [{"name": "c", "image": "nginx"}])
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers, **spec}}
    filled: dict[str, Any] = validate(body, "mesh").body["spec"]
    return filled


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:00", "IfNotPresent"),
    ],
)
def test_an_image_that_may_change_is_always_pulled(image: str, policy: str) -> None:
    assert stored(containers=[{"name": "c", "image": image}])["containers"][0]["imagePullPolicy"] == policy


def test_a_pod_has_an_account_tolerations_and_links() -> None:
    spec = stored()
    assert [spec[name] for name in ("serviceAccountName", "serviceAccount")] == ["default", "default"]
    assert spec["enableServiceLinks"] is True
    assert {toleration["key"].rpartition("/")[2] for toleration in spec["tolerations"]} == {"not-ready", "unreachable"}
    assert len(stored(tolerations=[{"operator": "Exists"}])["tolerations"]) == 1


def test_a_limit_is_a_request_as_well_and_quantities_are_canonical() -> None:
    resources = {"limits": {"cpu": 0.5, "memory": "1024Mi"}, "requests": {"cpu": "100m"}}
    (container,) = stored(containers=[{"name": "c", "image": "i", "resources": resources}])["containers"]
    assert container["resources"] == {
        "limits": {"cpu": "500m", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "1Gi"},
    }


def test_ports_of_the_hosts_network_are_the_hosts() -> None:
    ports = [{"containerPort": 8080}]
    (container,) = stored(hostNetwork=True, containers=[{"name": "c", "image": "i", "ports": ports}])["containers"]
    assert container["ports"] == [{"containerPort": 8080, "hostPort": 8080, "protocol": "TCP"}]


def test_probes_hooks_and_volumes_have_the_defaults_that_clients_read() -> None:
    container = {
        "name": "c",
        "image": "i",
        "livenessProbe": {"grpc": {"port": 1}},
        "lifecycle": {"preStop": {"httpGet": {"port": 1}}},
        "env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
    }
    volumes = [
        {"name": "a"},
        {"name": "b", "hostPath": {"path": "/b"}},
        {"name": "c", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
    ]
    spec = stored(containers=[container], volumes=volumes)
    (filled,) = spec["containers"]
    assert filled["livenessProbe"]["grpc"] == {"port": 1, "service": ""}
    assert filled["lifecycle"]["preStop"]["httpGet"] == {"port": 1, "path": "/", "scheme": "HTTP"}
    assert filled["env"][0]["valueFrom"]["resourceFieldRef"]["divisor"] == "0"
    empty, on_host, projected = spec["volumes"]
    assert (empty["emptyDir"], on_host["hostPath"]["type"], projected["projected"]["defaultMode"]) == ({}, "", 0o644)
    assert projected["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3600

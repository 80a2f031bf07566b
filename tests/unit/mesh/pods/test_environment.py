"""What a container finds in its environment."""

from typing import Any

import pytest

from mesh.pods.environment import ConfigError, Surroundings, environment
from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.core.service import Service
from mesh.resources.validation.manifest import validate
from tests.support.yard import pod


def typed(body: dict[str, Any]) -> Any:
    return validate(body, "mesh").typed


CONFIG: ConfigMap = typed(
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cfg"}, "data": {"a": "1", "b": "2"}}
)
SECRET: Secret = typed(
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"password": "hush"}}
)
SERVICE: Service = typed(
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "my-db"},
        "spec": {"clusterIP": "127.9.200.1", "ports": [{"name": "sql", "port": 5432}, {"name": "web", "port": 80}]},
    }
)


def made(**more: Any) -> dict[str, str]:
    body = pod("shop-1", "true", **more)
    body["metadata"]["annotations"] = {"team/owner": "blue"}
    parsed = typed(body)
    around = Surroundings(
        node_name="localhost",
        host_ip="127.0.0.1",
        pod_ip="127.9.0.1",
        variables={"HOSTNAME": "shop-1", "PORT": "7000"},
        marks={"MESHMALL_POD": "uid"},
        services=[SERVICE],
        config_map=lambda name: CONFIG if name == "cfg" else None,
        secret=lambda name: SECRET if name == "key" else None,
    )
    return environment(parsed, parsed.spec.containers[0], around)


def value(source: dict[str, Any]) -> str | None:
    return made(env=[{"name": "ASKED", "valueFrom": source}]).get("ASKED")


def test_the_manifest_overrides_the_place_s_variables_but_not_the_marks() -> None:
    variables = made(env=[{"name": "PORT", "value": "9"}, {"name": "MESHMALL_POD", "value": "another"}])
    assert (variables["HOSTNAME"], variables["PORT"], variables["MESHMALL_POD"]) == ("shop-1", "9", "uid")
    assert made()["PORT"] == "7000"


def test_little_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    found = made()
    assert not {"PYTHONDONTWRITEBYTECODE", "SOME_TOKEN"} & set(found)
    assert "PATH" in found


def test_services_have_kubernetes_variables() -> None:
    found = made()
    assert (found["MY_DB_SERVICE_HOST"], found["MY_DB_SERVICE_PORT"]) == ("127.9.200.1", "5432")
    assert found["MY_DB_SERVICE_PORT_WEB"] == "80"
    assert found["MY_DB_PORT"] == found["MY_DB_PORT_5432_TCP"] == "tcp://127.9.200.1:5432"
    assert "MY_DB_SERVICE_HOST" not in made(spec={"enableServiceLinks": False})


def test_references_are_to_what_stands_before() -> None:
    env = [{"name": "A", "value": "x"}, {"name": "B", "value": "$(A)-$(C)-$(MY_DB_SERVICE_HOST)"}, {"name": "C"}]
    assert made(env=env)["B"] == "x-$(C)-127.9.200.1"


def test_whole_config_maps_and_secrets_come_with_a_prefix_and_single_variables_win() -> None:
    found = made(
        envFrom=[{"prefix": "X_", "configMapRef": {"name": "cfg"}}, {"secretRef": {"name": "key"}}],
        env=[{"name": "X_b", "value": "own"}],
    )
    assert (found["X_a"], found["X_b"], found["password"]) == ("1", "own", "hush")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"configMapKeyRef": {"name": "cfg", "key": "a"}}, "1"),
        ({"secretKeyRef": {"name": "key", "key": "password"}}, "hush"),
        ({"configMapKeyRef": {"name": "none", "key": "a", "optional": True}}, None),
        ({"fieldRef": {"fieldPath": "metadata.name"}}, "shop-1"),
        ({"fieldRef": {"fieldPath": "metadata.namespace"}}, "mesh"),
        ({"fieldRef": {"fieldPath": "metadata.labels['app']"}}, "shop-1"),
        ({"fieldRef": {"fieldPath": "metadata.annotations['team/owner']"}}, "blue"),
        ({"fieldRef": {"fieldPath": "status.podIP"}}, "127.9.0.1"),
        ({"fieldRef": {"fieldPath": "status.hostIP"}}, "127.0.0.1"),
        ({"fieldRef": {"fieldPath": "spec.nodeName"}}, "localhost"),
    ],
)
def test_a_value_from_elsewhere(source: dict[str, Any], expected: str | None) -> None:
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "a"}}, 'configmap "none" not found'),
        ({"configMapKeyRef": {"name": "cfg", "key": "z"}}, "couldn't find key z in ConfigMap mesh/cfg"),
        ({"secretKeyRef": {"name": "key", "key": "z"}}, "couldn't find key z in Secret mesh/key"),
    ],
)
def test_a_value_that_is_missing_is_named_in_kubernetes_words(source: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        value(source)
    assert str(caught.value) == message


def test_limits_are_given_in_the_unit_asked_for_rounded_up() -> None:
    resources = {"limits": {"cpu": "250m", "memory": "64Mi"}}
    env = [
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "MILLI", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ]
    found = made(resources=resources, env=env)
    assert (found["CPU"], found["MILLI"], found["MEMORY"]) == ("1", "250", "64")

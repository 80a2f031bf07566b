"""Services, ConfigMaps and Secrets, and what may not change in an update: what is refused, by its path."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.checks.objects import check_update
from mesh.resources.validation.manifest import validate
from tests.support.objects import with_fields
from tests.support.smallest import DEPLOYMENT, SERVICE

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]


@pytest.mark.parametrize(
    ("field", "value", "path", "says"),
    [
        ("spec.ports[0].port", 0, "", "0 is not a port (1-65535)"),
        ("spec.ports[0].targetPort", "8080", "", "neither a port nor the name"),
        ("spec.ports[0].protocol", "UDP", "", "does not pass this mesh"),
        ("spec.ports", [], "", "is empty"),
        ("spec.ports", [{"name": "a", "port": 1}, {"name": "a", "port": 2}], "spec.ports[1].name", "stands twice"),
        ("spec.ports", [{"name": "a", "port": 1}, {"name": "b", "port": 1}], "spec.ports[1].port", "stands twice"),
        ("spec.type", "ExternalName", "", "does not do"),
        ("spec.clusterIP", "nowhere", "", "neither an address"),
        ("spec.sessionAffinity", "IP", "", "neither None nor ClientIP"),
        ("metadata.name", "a.b", "", "is not a name"),
    ],
)  # fmt: skip
def test_a_service_is_refused_for(errors_of: Errors, field: str, value: Any, path: str, says: str) -> None:
    assert says in errors_of(SERVICE, {field: value})[path or field]


def test_node_ports_have_a_range_and_stand_once(errors_of: Errors) -> None:
    ports = [{"name": name, "port": port, "nodePort": 31000} for name, port in (("a", 1), ("b", 2))]
    assert errors_of(SERVICE, {"spec.type": "NodePort", "spec.ports": ports}) == {
        "spec.ports[1].nodePort": "31000 stands twice"
    }
    assert "30000-32767" in errors_of(SERVICE, {"spec.type": "NodePort", "spec.ports[0].nodePort": 80})[
        "spec.ports[0].nodePort"
    ]  # fmt: skip


def test_a_services_ports_get_their_defaults() -> None:
    spec = validate(SERVICE, "mesh").body["spec"]
    assert spec["ports"] == [{"name": "http", "port": 9080, "protocol": "TCP", "targetPort": 9080}]
    assert (spec["type"], spec["sessionAffinity"]) == ("ClusterIP", "None")


CONFIG: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}


SECRET: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "MQ=="}}


@pytest.mark.parametrize(
    ("body", "fields", "path"),
    [
        (CONFIG, {"data": {"a b": "1"}}, "data[a b]"),
        (CONFIG, {"data": {"..": "1"}}, "data[..]"),
        (CONFIG, {"binaryData": {"a": "MQ=="}}, "binaryData[a]"),
        (CONFIG, {"binaryData": {"b": "%"}}, "binaryData[b]"),
        (CONFIG, {"data": {"a": "x" * (1 << 20) + "x"}}, "data"),
        (SECRET, {"data": {"a": "plain text"}}, "data[a]"),
        (SECRET, {"stringData": {"b c": "x"}}, "data[b c]"),
    ],
)
def test_data_is_refused_by_its_key(errors_of: Errors, body: dict[str, Any], fields: dict[str, Any], path: str) -> None:
    assert list(errors_of(body, fields)) == [path]


def test_base64_may_be_wrapped_in_lines(errors_of: Errors) -> None:
    assert errors_of(SECRET, {"data": {"a": "aGVs\nbG8=\n"}}) == {}


def updated(body: dict[str, Any], fields: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[str]:
    old = validate(with_fields(body, before or {}), "mesh").typed
    return [str(each) for each in check_update(old, validate(with_fields(body, fields), "mesh").typed)]


def test_what_may_not_change_is_refused() -> None:
    labels = {"app": "reviews", "v": "2"}
    other = {"spec.selector.matchLabels": labels, "spec.template.metadata.labels": labels}
    assert updated(DEPLOYMENT, {"spec.replicas": 3}) == []
    assert "spec.selector: cannot be changed" in updated(DEPLOYMENT, other)[0]
    assert "spec.clusterIP: cannot be changed" in updated(
        SERVICE, {"spec.clusterIP": "127.1.200.2"}, {"spec.clusterIP": "127.1.200.1"}
    )[0]  # fmt: skip
    assert updated(SERVICE, {}, {"spec.clusterIP": "127.1.200.1"}) == []
    assert updated(CONFIG, {"data.a": "2", "immutable": True}, {"immutable": True}) == [
        "data: cannot be changed: the object is immutable"
    ]
    assert "immutable: cannot be taken back" in updated(CONFIG, {}, {"immutable": True})[0]
    assert updated(CONFIG, {"data.a": "2"}) == []
    assert 'type: cannot be changed; it is "Opaque"' in updated(SECRET, {"type": "kubernetes.io/tls"})[0]

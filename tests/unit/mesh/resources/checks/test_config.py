"""ConfigMaps and Secrets: what is refused, by its path, and what may not change."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.support.objects import updated

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
CONFIG: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}


SECRET: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "MQ=="}}


@pytest.mark.parametrize(
    ("body", "fields", "path"),
    [
        (CONFIG, {"data": {"a b": "1"}}, "data[a b]"),
        (CONFIG, {"data": {"..": "1"}}, "data[..]"),
        (CONFIG, {"binaryData": {"a": "MQ=="}}, "data[a]"),
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


def test_immutable_data_may_not_change() -> None:
    assert updated(CONFIG, {"data.a": "2", "immutable": True}, {"immutable": True}) == [
        "data: cannot be changed: the object is immutable"
    ]
    assert "immutable: cannot be taken back" in updated(CONFIG, {}, {"immutable": True})[0]
    assert updated(CONFIG, {"data.a": "2"}) == []


def test_the_type_of_a_secret_may_not_change() -> None:
    assert 'type: cannot be changed; it is "Opaque"' in updated(SECRET, {"type": "example.com/mine"})[0]


@pytest.mark.parametrize(
    ("type_", "data", "paths"),
    [
        ("kubernetes.io/tls", {}, {"data[tls.crt]", "data[tls.key]"}),
        ("kubernetes.io/basic-auth", {}, {"data[username]", "data[password]"}),
        ("kubernetes.io/basic-auth", {"password": "YQ=="}, set()),
        ("kubernetes.io/ssh-auth", {}, {"data[ssh-privatekey]"}),
        ("kubernetes.io/dockerconfigjson", {}, {"data[.dockerconfigjson]"}),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "YQ=="}, {"data[.dockerconfigjson]"}),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "e30="}, set()),
        ("kubernetes.io/service-account-token", {}, {"metadata.annotations[kubernetes.io/service-account.name]"}),
        ("example.com/mine", {}, set()),
    ],
)
def test_a_secret_has_what_its_type_promises(type_: str, data: dict[str, str], paths: set[str]) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": type_, "data": data}
    if not paths:
        assert validate(body, "mesh")
        return
    with pytest.raises(Invalid) as caught:
        validate(body, "mesh")
    assert {error.path for error in caught.value.errors} == paths

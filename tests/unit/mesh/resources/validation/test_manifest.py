"""Manifests: what is taken, what is refused, and what the refusal says."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.resources.validation.manifest import parse, validate
from mesh.resources.values.problems import Invalid

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "products", "labels": {"app": "products"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "products"}},
        "template": {
            "metadata": {"labels": {"app": "products"}},
            "spec": {
                "containers": [
                    {
                        "name": "products",
                        "command": ["python"],
                        "ports": [{"name": "http", "containerPort": 7000}],
                        "readinessProbe": {"httpGet": {"port": "http"}},
                        "env": [{"name": "A", "value": "b"}],
                    }
                ]
            },
        },
    },
}
RULE: dict[str, Any] = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "products"},
    "spec": {"hosts": ["products"], "http": [{"route": [{"destination": {"host": "products"}}]}]},
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "products"},
    "spec": {"selector": {"app": "products"}, "ports": [{"name": "http", "port": 7000}]},
}


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one field set, or removed when the value is None. Path parts are keys or indices."""
    body = copy.deepcopy(body)
    at: Any = body
    *parts, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in parts:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return body


CONTAINER = "spec/template/spec/containers/0"
CASES = [
    (DEPLOYMENT, "spec/replica", 2, 'spec.replica: unknown field; did you mean "replicas"?'),
    (DEPLOYMENT, "spec/replicas", "2", 'spec.replicas: "2" is not a whole number'),
    (DEPLOYMENT, "spec/replicas", -1, "spec.replicas: -1 is below 0"),
    (DEPLOYMENT, "spec/selector", None, "spec.selector: selects nothing"),
    (DEPLOYMENT, "spec/template/metadata/labels/app", "x", "Deployment and pods must agree"),
    (DEPLOYMENT, f"{CONTAINER}/name", "Products", f"{CONTAINER.replace('/0', '[0]').replace('/', '.')}.name"),
    (DEPLOYMENT, f"{CONTAINER}/env/0/value", 1, "1 is not a string; put it in quotes"),
    (
        DEPLOYMENT,
        f"{CONTAINER}/readinessProbe/httpGet/port",
        "a_port",
        '"a_port" is not a port\'s name',
    ),
    (DEPLOYMENT, f"{CONTAINER}/readinessProbe/exec", {"command": ["x"]}, "exactly one of httpGet, tcpSocket"),
    (DEPLOYMENT, f"{CONTAINER}/ports/0/containerPort", 70000, "70000 is not a port"),
    (DEPLOYMENT, "metadata/name", "Pro ducts", "is not a name"),
    (DEPLOYMENT, "metadata/labels/app", "a b", "is not a label's value"),
    (
        DEPLOYMENT,
        "kind",
        "Deploymnt",
        'there is no kind "Deploymnt" in "apps/v1"; did you mean "Deployment"?',
    ),
    (DEPLOYMENT, "apiVersion", "apps/v2", '"apps/v2" is not known; use apps/v1'),
    (DEPLOYMENT, "kind", None, "kind: is missing"),
    (DEPLOYMENT, "spec/strategy", {"type": "Rolling"}, "neither RollingUpdate nor Recreate"),
    (
        DEPLOYMENT,
        "spec/strategy",
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}},
        "no pod could be replaced",
    ),
    (SERVICE, "spec/ports", [{"port": 1}, {"port": 2}], "spec.ports[0].name: is missing"),
    (SERVICE, "spec/ports/0/nodePort", 31004, "needs type NodePort"),
    (SERVICE, "spec/type", "NodPort", 'did you mean "NodePort"?'),
    (RULE, "spec/http/0/route/0/wight", 1, 'unknown field; did you mean "weight"?'),
    (RULE, "spec/http/0/route", None, "needs exactly one of route, redirect, directResponse, delegate"),
    (RULE, "spec/http/0/timeout", "5", '"5" is not a duration'),
    (RULE, "spec/http/0/match", [{"uri": {}}], "needs exactly one of exact, prefix, regex"),
    (RULE, "spec/http/0/match", [{"uri": {"exact": "/", "prefix": "/"}}], "needs exactly one of exact"),
    (RULE, "spec/http/0/route/0/weight", -1, "weight: -1 is below 0"),
    (RULE, "spec/hosts", ["pro ducts"], '"pro ducts" is not a host'),
    (RULE, "spec/hosts", ["*"], "matches every host"),
    (RULE, "spec/http/0/fault", {"abort": {"httpStatus": 700}}, "700 is not a status"),
]


@pytest.mark.parametrize(("body", "path", "value", "says"), CASES)
def test_a_wrong_field_is_refused_by_its_path(body: dict[str, Any], path: str, value: Any, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(changed(body, path, value), "mesh")
    assert says in str(caught.value)


def test_all_errors_of_an_object_are_told_at_once() -> None:
    body = changed(changed(DEPLOYMENT, "spec/replica", 1), f"{CONTAINER}/imag", "x")
    with pytest.raises(Invalid) as caught:
        validate(body, "mesh")
    assert {error.path for error in caught.value.errors} == {"spec.template.spec.containers[0].imag", "spec.replica"}


@pytest.mark.parametrize("body", [DEPLOYMENT, RULE, SERVICE])
def test_a_validated_object_stays_as_it_is(body: dict[str, Any]) -> None:
    once = validate(body, "mesh")
    assert validate(once.body, "mesh").body == once.body
    assert once.body["metadata"]["namespace"] == "mesh"


def test_fields_without_effect_are_told_in_one_warning() -> None:
    body = changed(DEPLOYMENT, f"{CONTAINER}/resources", {"limits": {"cpu": 1}})
    body = changed(body, "spec/template/spec/tolerations", [{"key": "a"}])
    warnings = validate(body, "mesh").warnings
    assert len(warnings) == 1
    assert "containers[0].resources" in warnings[0]
    assert "spec.tolerations" in warnings[0]


def test_string_data_becomes_data() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
    assert validate(secret, "mesh").body["data"] == {"a": "Yg=="}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "f.yaml:2: not YAML"),
        ("kind: a\nkind: b\n", 'f.yaml:2: not YAML: duplicate field "kind"'),
        ("- 1\n- 2\n", "a list, not an object"),
        ("just words", "a str, not an object"),
        ("a: &a [1]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", ""),
    ],
)
def test_text_that_is_no_manifest_names_file_and_line(text: str, says: str) -> None:
    if not says:
        assert parse(text, "f.yaml")
        return
    with pytest.raises(Invalid) as caught:
        parse(text, "f.yaml")
    assert says in str(caught.value)


def test_nested_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(Invalid, match="more than 500000 values"):
        parse("\n".join(lines), "bomb.yaml")


def test_dates_stay_strings_and_lists_are_taken_apart() -> None:
    text = "kind: List\napiVersion: v1\nitems:\n- kind: A\n  when: 2020-01-01\n- kind: B\n---\n---\nkind: C\n"
    assert [manifest.body for manifest in parse(text)] == [
        {"kind": "A", "when": "2020-01-01"},
        {"kind": "B"},
        {"kind": "C"},
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def paths(body: Any, at: str = "") -> list[str]:
    found = []
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        path = f"{at}/{key}" if at else str(key)
        found += [path, *paths(value, path)]
    return found


@given(data=st.data())
def test_whatever_stands_in_a_field_is_taken_or_refused_with_a_message(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from([DEPLOYMENT, RULE, SERVICE]))
    path = data.draw(st.sampled_from(paths(body)))
    try:
        validated = validate(changed(body, path, data.draw(VALUES)), "mesh")
    except Invalid as error:
        assert str(error)
    else:
        assert json.dumps(validated.body)


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text, "f")
    except Invalid as error:
        assert str(error).startswith("f")

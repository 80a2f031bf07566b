"""Deployments, their pods, Services, ConfigMaps and Secrets: what is refused and what is only told."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.checks.objects import check_update
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.mesh.resources.conftest import with_fields

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "reviews"},
    "spec": {
        "selector": {"matchLabels": {"app": "reviews"}},
        "template": {
            "metadata": {"labels": {"app": "reviews"}},
            "spec": {
                "containers": [
                    {
                        "name": "reviews",
                        "image": "example/reviews:1",
                        "ports": [{"name": "http", "containerPort": 9080}],
                        "env": [{"name": "A", "value": "1"}],
                    }
                ],
                "initContainers": [{"name": "prepare", "image": "example/prepare:1"}],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        },
    },
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "reviews"},
    "spec": {"selector": {"app": "reviews"}, "ports": [{"name": "http", "port": 9080}]},
}
CONFIG: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
SECRET: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "MQ=="}}
POD = "spec.template.spec"
C = f"{POD}.containers[0]"
SOURCE = f"{C}.env[0].valueFrom"
GET = {"httpGet": {"port": "http"}}


@pytest.mark.parametrize(
    ("field", "value", "path", "says"),
    [
        ("spec.replicas", 2**31, "spec.replicas", "above 2147483647"),
        ("spec.minReadySeconds", 600, "spec.progressDeadlineSeconds", "600 is not above minReadySeconds (600)"),
        ("spec.revisionHistoryLimit", -1, "", "-1 is below 0"),
        ("spec.selector.matchLabels", {}, "spec.selector", "selects nothing"),
        ("spec.selector.matchExpressions", [{"key": "a", "operator": "Inn"}], "", "is not In, NotIn, Exists or"),
        ("spec.selector.matchExpressions", [{"key": "a", "operator": "Exists"}], "", "do not fit it"),
        (
            "spec.selector.matchExpressions",
            [{"key": "app", "operator": "In"}],
            "spec.selector.matchExpressions[0].values",
            "is empty",
        ),
        ("spec.strategy.rollingUpdate.maxUnavailable", "101%", "", "above 100%"),
        ("spec.strategy.rollingUpdate.maxSurge", "many", "", "neither a whole number nor a percentage"),
        (f"{POD}.restartPolicy", "Never", "", "a Deployment's pods have restartPolicy Always"),
        (f"{POD}.restartPolicy", "always", "", '"always" is not Always, OnFailure or Never'),
        (f"{POD}.terminationGracePeriodSeconds", -1, "", "-1 is not in 0-"),
        (f"{POD}.containers", [], "", "is empty"),
        (f"{POD}.initContainers[0].name", "reviews", f"{C}.name", '"reviews" stands twice'),
        (f"{POD}.initContainers[0].readinessProbe", GET, "", "does not go with an init container"),
        (f"{C}.restartPolicy", "Always", "", "is for init containers"),
        (f"{C}.ports[0].protocol", "tcp", "", '"tcp" is not TCP, UDP or SCTP'),
        (f"{C}.ports[0].name", "a-name-too-long-for-a-port", "", "is not a port's name"),
        (f"{C}.env[0].name", "1A", "", "is not a variable's name"),
        (f"{C}.env[0].value", "a\0b", "", "NUL"),
        (SOURCE, {"fieldRef": {"fieldPath": "metadata.name"}}, "", "does not go with value"),
        (f"{C}.env[0]", {"name": "A", "valueFrom": {}}, SOURCE, "it has none"),
        (
            f"{C}.env[0]",
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.ip"}}},
            f"{SOURCE}.fieldRef.fieldPath",
            '"status.ip" is no field that a pod can be told',
        ),
        (
            f"{C}.env[0]",
            {"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}},
            f"{SOURCE}.secretKeyRef.name",
            "is missing",
        ),
        (
            f"{C}.env[0]",
            {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "cpu"}}},
            f"{SOURCE}.resourceFieldRef.resource",
            "is none of limits.cpu",
        ),
        (f"{C}.envFrom", [{"prefix": "X"}], f"{C}.envFrom[0]", "needs exactly one of configMapRef, secretRef"),
        (f"{C}.livenessProbe", {}, "", "it has none"),
        (f"{C}.livenessProbe", {**GET, "tcpSocket": {"port": 1}}, "", "it has httpGet and tcpSocket"),
        (f"{C}.livenessProbe", {**GET, "successThreshold": 2}, f"{C}.livenessProbe.successThreshold", "2 is not 1"),
        (f"{C}.readinessProbe", {**GET, "periodSeconds": -1}, f"{C}.readinessProbe.periodSeconds", "-1 is not in 1-"),
        (
            f"{C}.readinessProbe",
            {**GET, "terminationGracePeriodSeconds": 1},
            f"{C}.readinessProbe.terminationGracePeriodSeconds",
            "does not go with a readiness probe",
        ),
        (f"{C}.startupProbe", {"exec": {"command": []}}, f"{C}.startupProbe.exec.command", "is empty"),
        (f"{C}.startupProbe", {"grpc": {"port": 0}}, f"{C}.startupProbe.grpc.port", "0 is not a port"),
        (f"{C}.lifecycle.preStop", {}, "", "needs exactly one of exec, httpGet, sleep, tcpSocket"),
        (f"{C}.resources.limits", {"memory": "64Mb"}, f"{C}.resources.limits[memory]", "is not a quantity"),
        (f"{C}.resources.requests", {"cpu": "-1"}, f"{C}.resources.requests[cpu]", "below 0"),
        (f"{C}.volumeMounts", [{"name": "t", "mountPath": "/t"}], f"{C}.volumeMounts[0].name", "(it has tmp)"),
        (f"{POD}.volumes[0].configMap", {"name": "c"}, f"{POD}.volumes[0]", "needs exactly one source"),
        (f"{POD}.volumes[0]", {"name": "v", "hostPath": {"path": "x"}}, f"{POD}.volumes[0].hostPath.path", "begin"),
        (
            f"{POD}.volumes[0]",
            {"name": "v", "secret": {"secretName": "s", "items": [{"key": "a", "path": "../a"}]}},
            f"{POD}.volumes[0].secret.items[0].path",
            "not a path within",
        ),
    ],
)
def test_a_deployment_is_refused_for(errors_of: Errors, field: str, value: Any, path: str, says: str) -> None:
    found = errors_of(DEPLOYMENT, {field: value})
    wanted = path or (f"{field}[0].operator" if says.startswith("is not In") else field)
    shown = {place: message for place, message in found.items() if place.startswith(wanted)}
    assert any(says in message for message in shown.values()), found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (f"{POD}.initContainers[0]", {"name": "side", "image": "i", "restartPolicy": "Always", "livenessProbe": {
            "tcpSocket": {"port": 1}}}),
        (f"{C}.env[0]", {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a/b']"}}}),
        (f"{C}.lifecycle", {"preStop": {"sleep": {"seconds": 0}}}),
        (f"{C}.volumeMounts", [{"name": "tmp", "mountPath": "/tmp"}]),
        ("spec.strategy", {"type": "Recreate"}),
        ("spec.strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
    ],
)  # fmt: skip
def test_a_deployment_is_taken_with(errors_of: Errors, field: str, value: Any) -> None:
    assert errors_of(DEPLOYMENT, {field: value}) == {}


def test_a_deployment_gets_the_defaults_of_kubernetes() -> None:
    spec = validate(DEPLOYMENT, "mesh").body["spec"]
    assert (spec["replicas"], spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (1, 10, 600)
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["terminationGracePeriodSeconds"]) == ("Always", 30)
    assert pod["containers"][0]["ports"][0]["protocol"] == "TCP"
    probe = validate(with_fields(DEPLOYMENT, {f"{C}.readinessProbe": GET}), "mesh").typed.spec  # type: ignore[attr-defined]
    found = probe.template.spec.containers[0].readiness_probe
    assert (found.period_seconds, found.timeout_seconds, found.success_threshold, found.failure_threshold) == (
        10,
        1,
        1,
        3,
    )
    assert (found.http_get.port, found.http_get.path, found.http_get.scheme) == ("http", "/", "HTTP")


def test_what_is_hardly_meant_is_told_and_taken() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    found = validate(with_fields(DEPLOYMENT, {f"{C}.env": env, f"{C}.volumeMounts": mounts}), "mesh").warnings
    assert found == [
        f'Deployment mesh/reviews: {C}.env[1].name: "A" stands twice; the last one is taken',
        f"Deployment mesh/reviews: {C}.volumeMounts: a process here has no mounts: each volume is a folder, "
        "its path in MESHMALL_VOLUME_<NAME>",
    ]


def test_what_kubernetes_writes_itself_is_no_warning() -> None:
    assert validate(validate(DEPLOYMENT, "mesh").body, "mesh").warnings == []
    assert validate(validate(SERVICE, "mesh").body, "mesh").warnings == []


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


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "Service"}, "apiVersion: is missing; v1 would do"),
        ({"apiVersion": "v1", "kind": "Servce"}, 'did you mean "Service"?'),
        ({"apiVersion": "extensions/v1beta1", "kind": "Deployment"}, "apps/v1 would do"),
        ({"apiVersion": "v1", "kind": "Service"}, "metadata: is missing"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {}}, "metadata.name: is missing"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "A"}}, "metadata.namespace"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "lables": {}}}, 'mean "labels"?'),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", 1: 2}}, "put it in quotes"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "\ud800"}}, "metadata.name: is not Unicode"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": float("nan")}, "metadata: nan is not a number"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"annotations": {"a b": ""}, "name": "a"}}, "annotation"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"annotations": {"a": "x" * 300_000}, "name": "a"}},
         "metadata.annotations: 300001 characters"),
        ({"apiVersion": 1, "kind": [], "metadata": None}, "kind: is missing"),
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused(body: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid) as caught:
        validate(body, "mesh")
    assert says in str(caught.value)


def test_deep_nesting_is_refused() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(Invalid, match="nested deeper than 64 levels"):
        validate(with_fields(DEPLOYMENT, {f"{POD}.affinity": deep}), "mesh")


def test_a_null_is_no_field() -> None:
    body = with_fields(DEPLOYMENT, {"metadata.creationTimestamp": None, f"{C}.resources": None, "status": None})
    assert validate(body, "mesh").body == validate(DEPLOYMENT, "mesh").body

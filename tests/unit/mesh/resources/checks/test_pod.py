"""Deployments and their pods: what is refused, and what is only warned of."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from tests.support.objects import with_fields
from tests.support.smallest import DEPLOYMENT, SERVICE

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
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
        (
            "spec.selector.matchExpressions",
            [{"key": "a", "operator": "Exists"}],
            "spec.template.metadata.labels",
            "does not match the template",
        ),
        (
            "spec.selector.matchExpressions",
            [{"key": "app", "operator": "In"}],
            "spec.selector.matchExpressions[0].values",
            "is empty",
        ),
        ("spec.strategy.rollingUpdate.maxUnavailable", "101%", "", "above 100%"),
        ("spec.strategy.rollingUpdate.maxSurge", "many", "", "neither a whole number nor a percentage"),
        (f"{POD}.restartPolicy", "Never", "", "the pods of a Deployment have restartPolicy Always"),
        (f"{POD}.restartPolicy", "always", "", '"always" is not Always, OnFailure or Never'),
        (f"{POD}.terminationGracePeriodSeconds", 10**9, "", "is above 315360000 seconds"),
        (f"{POD}.containers", [], "", "is empty"),
        (f"{POD}.initContainers[0].name", "reviews", "", 'duplicate "reviews"'),
        (f"{POD}.initContainers[0].readinessProbe", GET, "", "cannot be used in an init container"),
        (f"{C}.restartPolicy", "Always", "", "is for init containers"),
        (f"{C}.ports[0].protocol", "tcp", "", '"tcp" is not TCP, UDP or SCTP'),
        (f"{C}.ports[0].name", "a-name-too-long-for-a-port", "", "is not a port's name"),
        (f"{C}.env[0].name", "A=", "", "is not a variable's name"),
        (f"{C}.env[0].value", "a\0b", "", "NUL"),
        (SOURCE, {"fieldRef": {"fieldPath": "metadata.name"}}, "", "cannot be used with value"),
        (f"{C}.env[0]", {"name": "A", "valueFrom": {}}, SOURCE, "it has none"),
        (
            f"{C}.env[0]",
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.ip"}}},
            f"{SOURCE}.fieldRef.fieldPath",
            '"status.ip" is not a field that a variable can have',
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
            "cannot be used in a readiness probe",
        ),
        (f"{C}.startupProbe", {"exec": {"command": []}}, f"{C}.startupProbe.exec.command", "is empty"),
        (f"{C}.startupProbe", {"grpc": {"port": 0}}, f"{C}.startupProbe.grpc.port", "0 is not a port"),
        (f"{C}.lifecycle.preStop", {}, "", "needs exactly one of exec, httpGet, sleep, tcpSocket"),
        (f"{C}.resources.limits", {"memory": "64Mb"}, f"{C}.resources.limits[memory]", "is not a quantity"),
        (f"{C}.resources.requests", {"cpu": "-1"}, f"{C}.resources.requests[cpu]", "below 0"),
        (f"{C}.volumeMounts", [{"name": "t", "mountPath": "/t"}], f"{C}.volumeMounts[0].name", "(it has tmp)"),
        (f"{POD}.volumes[0].configMap", {"name": "c"}, f"{POD}.volumes[0]", "needs exactly one source"),
        (
            f"{POD}.volumes[0]",
            {"name": "v", "persistentVolumeClaim": {"claimName": "../../pki"}},
            f"{POD}.volumes[0].persistentVolumeClaim.claimName",
            '"../../pki" is not a name',
        ),
        (f"{POD}.volumes[0]", {"name": "v", "hostPath": {"path": "x"}}, f"{POD}.volumes[0].hostPath.path", "begin"),
        (f"{POD}.volumes[0]", {"name": "v", "hostPath": {"path": "/a/../b"}}, f"{POD}.volumes[0].hostPath.path", ".."),
        (
            f"{C}.volumeMounts",
            [{"name": "tmp", "mountPath": "/t", "subPath": "../a"}],
            f"{C}.volumeMounts[0].subPath",
            "not a path within",
        ),
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
    expected = path or (f"{field}[0].operator" if says.startswith("is not In") else field)
    shown = {place: message for place, message in found.items() if place.startswith(expected)}
    assert any(says in message for message in shown.values()), found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (f"{POD}.initContainers[0]", {"name": "side", "image": "i", "restartPolicy": "Always", "livenessProbe": {
            "tcpSocket": {"port": 1}}}),
        (f"{C}.env[0]", {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a/b']"}}}),
        (f"{C}.lifecycle", {"preStop": {"sleep": {"seconds": 0}}}),
        (f"{C}.env[0].name", "1 A"),
        (f"{C}.livenessProbe", {"httpGet": {"port": "not-declared"}}),
        (f"{POD}.terminationGracePeriodSeconds", -1),
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
        f'Deployment mesh/reviews: {C}.env[1].name: duplicate "A"; the last one is used',
    ]


def test_what_kubernetes_writes_itself_is_no_warning() -> None:
    assert validate(validate(DEPLOYMENT, "mesh").body, "mesh").warnings == []
    assert validate(validate(SERVICE, "mesh").body, "mesh").warnings == []

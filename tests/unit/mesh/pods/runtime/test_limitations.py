"""What a manifest does not get, by where its pods run."""

from typing import Any, cast

from mesh.pods.runtime.limitations import of_loopback, of_namespaces
from mesh.resources.core.pod import Pod
from mesh.resources.validation.manifest import validate

EVERYTHING: dict[str, Any] = {
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
    "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["10.0.0.1"]},
    "subdomain": "db",
    "securityContext": {"runAsUser": 64_500, "fsGroup": 64_500},
    "volumes": [{"name": "work-dir", "emptyDir": {"sizeLimit": "1Mi", "medium": "Memory"}}],
    "containers": [
        {
            "name": "main",
            "image": "none",
            "securityContext": {"capabilities": {"drop": ["ALL"]}, "allowPrivilegeEscalation": True},
            "volumeMounts": [{"name": "work-dir", "mountPath": "/work"}],
            "readinessProbe": {"grpc": {"port": 50051}},
        }
    ],
}
PLAIN: dict[str, Any] = {"dnsPolicy": "ClusterFirst", "containers": [{"name": "main", "image": "none"}]}


def pod(spec: dict[str, Any]) -> Pod:
    return cast(
        Pod, validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}, "mesh").typed
    )


def test_an_ordinary_pod_lacks_nothing() -> None:
    assert of_loopback(pod(PLAIN)) == of_namespaces(pod(PLAIN)) == []


def test_without_namespaces_every_field_that_needs_one_is_named() -> None:
    limitations = of_loopback(pod(EVERYTHING))
    reasons = [limitation.reason for limitation in limitations]
    assert reasons == ["VolumeNotMounted", "ProbeSimplified", "NoEffect", "NoEffect"]
    assert limitations[2].message.startswith(
        "spec.securityContext.runAsUser, spec.securityContext.fsGroup, spec.hostAliases, spec.dnsPolicy, "
        'spec.dnsConfig, spec.subdomain, spec.containers[name="main"].securityContext.capabilities has no effect'
    )
    assert "MESHMALL_VOLUME_WORK_DIR" in limitations[0].message


def test_with_namespaces_only_the_rest_is() -> None:
    messages = [limitation.message for limitation in of_namespaces(pod(EVERYTHING))]
    assert messages == [
        "container main: allowPrivilegeEscalation: set-user-ID programs gain nothing here",
        'volume work-dir: emptyDir.medium "Memory": it is a folder on the disk here',
    ]


def test_what_has_an_effect_somewhere_is_no_warning_when_it_is_written() -> None:
    spec = {**EVERYTHING, "volumes": [{"name": "work-dir", "persistentVolumeClaim": {"claimName": "a"}}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    assert validate(body, "mesh").warnings == []
    spec["securityContext"] = {"seccompProfile": {"type": "RuntimeDefault"}}
    assert "spec.securityContext.seccompProfile" in str(validate({**body, "spec": spec}, "mesh").warnings)

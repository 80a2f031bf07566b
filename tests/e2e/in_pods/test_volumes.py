"""Volumes at their mount paths, as programs in pods see them."""

import base64
import json
import os
from typing import Any

import pytest

from tests.support.mesh import Mesh, meshes
from tests.support.pod_programs import PodPrograms

CONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"colour": "blue", "size": "7"},
}
SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "keys"},
    "data": {"password": base64.b64encode(b"secret").decode()},
}
DATABASE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "database", "namespace": "mesh"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "database"}}


def test_every_kind_of_volume_is_where_its_mount_path_says(programs: PodPrograms) -> None:
    programs.apply(CONFIG, SECRET)
    downward = {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}
    volumes = [
        {"name": "config", "configMap": {"name": "settings", "items": [{"key": "colour", "path": "deep/colour"}]}},
        {"name": "whole", "configMap": {"name": "settings", "defaultMode": 0o444}},
        {"name": "secret", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "both", "projected": {"sources": [{"configMap": {"name": "settings"}}, {"downwardAPI": downward}]}},
        {"name": "scratch", "emptyDir": {}},
    ]
    mounts = [
        {"name": "config", "mountPath": "/etc/shop"},
        {"name": "whole", "mountPath": "/etc/single.conf", "subPath": "size"},
        {"name": "secret", "mountPath": "/secrets"},
        {"name": "both", "mountPath": "/etc/shop/both"},
        {"name": "scratch", "mountPath": "/scratch"},
        {"name": "scratch", "mountPath": "/frozen", "readOnly": True},
    ]
    script = (
        "cat /etc/shop/deep/colour /etc/single.conf /secrets/password /etc/shop/both/name; echo; "
        "stat -L -c %a /secrets/password; echo x >/scratch/x; cat /frozen/x; "
        "touch /frozen/y 2>/dev/null || echo refused; touch /etc/shop/new 2>/dev/null || echo refused; "
        "test -e /etc/passwd && test -d /usr/bin && echo machine"
    )
    text = programs.run("volumes", ["sh", "-c", script], container={"volumeMounts": mounts}, volumes=volumes)
    assert text == "blue7secretvolumes\n400\nx\nrefused\nrefused\nmachine\n"


def test_a_changed_config_map_and_secret_arrive_and_a_sub_path_stays(programs: PodPrograms) -> None:
    programs.apply(CONFIG, SECRET)
    volumes = [
        {"name": "config", "configMap": {"name": "settings"}},
        {"name": "secret", "secret": {"secretName": "keys"}},
    ]
    mounts = [
        {"name": "config", "mountPath": "/etc/shop"},
        {"name": "secret", "mountPath": "/secrets"},
        {"name": "config", "mountPath": "/etc/fixed", "subPath": "colour"},
    ]
    script = (
        "cat /etc/shop/colour; echo; until grep -q red /etc/shop/colour; do sleep 0.05; done; "
        "until grep -q new /secrets/password; do sleep 0.05; done; cat /etc/shop/colour /secrets/password /etc/fixed"
    )
    programs.start("changes", ["sh", "-c", script], container={"volumeMounts": mounts}, volumes=volumes)
    programs.until_log("changes", "blue")
    programs.ok("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"colour":"red"}}')
    programs.ok("patch", "secret", "keys", "--type=merge", "-p", '{"stringData":{"password":"new"}}')
    assert programs.output("changes") == "blue\nrednewblue\n"


def test_the_containers_of_a_pod_share_an_empty_folder(programs: PodPrograms) -> None:
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    first = {"name": "first", "command": ["sh", "-c", "echo begun >/scratch/file"], "volumeMounts": mounts}
    text = programs.run(
        "shared",
        ["cat", "/scratch/file"],
        container={"volumeMounts": mounts},
        initContainers=[first],
        volumes=[{"name": "scratch", "emptyDir": {"medium": "Memory"}}],
    )
    assert text == "begun\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs pods as other users")
def test_users_and_groups_are_the_manifests(programs: PodPrograms) -> None:
    mounts = [{"name": "scratch", "mountPath": "/scratch"}]
    text = programs.run(
        "users",
        ["sh", "-c", "id -u; id -g; id -G; touch /scratch/new; stat -c '%u %g' /scratch /scratch/new"],
        container={"volumeMounts": mounts},
        securityContext={"runAsUser": 64_500, "runAsGroup": 64_501, "fsGroup": 64_502, "supplementalGroups": [64_503]},
        volumes=[{"name": "scratch", "emptyDir": {}}],
    )
    lines = text.splitlines()
    assert lines[:2] == ["64500", "64501"]
    assert sorted(lines[2].split()) == ["64501", "64502", "64503"]
    # The folder passes its group on, as fsGroup's volumes do.
    assert lines[3:] == ["64500 64502", "64500 64502"]


def test_root_is_refused_where_the_manifest_forbids_it(programs: PodPrograms) -> None:
    programs.start("root", ["true"], securityContext={"runAsUser": 0, "runAsNonRoot": True})
    waiting = programs.kubectl(
        "wait", "pod/root", "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}="
        "CreateContainerConfigError", "--timeout=30s",
    )  # fmt: skip
    assert waiting.code == 0, programs.pod("root")
    message = programs.pod("root")["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert message.startswith("container's runAsUser breaks non-root policy (pod: \"root_mesh(")
    assert programs.run("nobody", ["true"], securityContext={"runAsNonRoot": True}) == ""


def test_uid_0_has_power_over_nothing_else(programs: PodPrograms) -> None:
    script = "id -u; cat /etc/shadow 2>/dev/null || echo refused; touch mine && stat -c %u mine"
    text = programs.run("contained", ["sh", "-c", script], securityContext={"runAsUser": 0})
    assert text == "0\nrefused\n0\n"


def test_a_read_only_root_leaves_the_volumes(programs: PodPrograms) -> None:
    script = "for f in here /tmp/x; do touch $f 2>/dev/null || echo refused; done; echo ok >/scratch/x; cat /scratch/x"
    text = programs.run(
        "frozen",
        ["sh", "-c", script],
        container={
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
            "securityContext": {"readOnlyRootFilesystem": True},
        },
        volumes=[{"name": "scratch", "emptyDir": {}}],
    )
    assert text == "refused\nrefused\nok\n"


def test_host_aliases_hostname_and_dns_config_have_an_effect(programs: PodPrograms) -> None:
    text = programs.run(
        "names",
        ["sh", "-c", "hostname; getent hosts old.example; grep example.org /etc/resolv.conf"],
        hostname="other",
        hostAliases=[{"ip": "192.0.2.7", "hostnames": ["old.example"]}],
        dnsConfig={"searches": ["example.org"]},
    )
    lines = text.splitlines()
    assert lines[0] == "other"
    assert lines[1].split() == ["192.0.2.7", "old.example"]
    assert lines[2].endswith("example.org")
    events = programs.ok("get", "events", "--field-selector", "involvedObject.name=names")
    assert "NoEffect" not in events


def test_a_claim_outlives_its_pods_and_the_mesh(running: Mesh) -> None:
    with meshes() as make:
        mesh = make()
        mesh.up("--network", "namespaces", "--empty")
        with PodPrograms(mesh) as programs:
            # Not by `apply`, which would delete it with the block, and its volume with it.
            programs.ok("apply", "-f", "-", stdin=json.dumps(DATABASE))
            mounts = {"volumeMounts": [{"name": "data", "mountPath": "/var/lib/database"}]}
            write = ["sh", "-c", "echo row >>/var/lib/database/rows"]
            assert programs.run("write", write, container=mounts, volumes=[CLAIM]) == ""
        mesh.ok("down")
        mesh.up("--network", "namespaces", "--empty")
        with PodPrograms(mesh) as programs:
            read = ["cat", "/var/lib/database/rows"]
            assert programs.run("read", read, container=mounts, volumes=[CLAIM]) == "row\n"

"""What changes while a pod runs arrives in its volumes."""

from pathlib import Path
from typing import Any

from mesh.resources.values.ref import Ref
from tests.support.yard import Yard

SHOW = 'while :; do for f in "$MESHMALL_VOLUME_DATA"/*; do cat "$f"; echo; done >seen; sleep 0.02; done'


def config(colour: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": colour}}


def put_pod(yard: Yard, volume: dict[str, Any]) -> Ref:
    main = {
        "name": "main",
        "command": ["sh", "-c", SHOW],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec = {"containers": [main], "volumes": [{"name": "data", **volume}]}
    metadata = {"name": "p", "labels": {"colour": "green"}}
    return yard.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


async def until_seen(yard: Yard, ref: Ref, text: str) -> None:
    body = yard.get(ref)
    assert body is not None
    seen = Path(yard.home, "pods", body["metadata"]["uid"], "seen")
    await yard.until(lambda: seen.exists() and text in seen.read_text())


async def test_a_changed_config_map_arrives_in_a_running_pod(yard: Yard) -> None:
    yard.put(config("blue"))
    ref = put_pod(yard, {"configMap": {"name": "settings"}})
    await until_seen(yard, ref, "blue")
    yard.put(config("red"))
    await until_seen(yard, ref, "red")
    assert yard.container(ref)["restartCount"] == 0


async def test_a_changed_label_arrives_in_a_running_pod(yard: Yard) -> None:
    items = [{"path": "colour", "fieldRef": {"fieldPath": "metadata.labels['colour']"}}]
    ref = put_pod(yard, {"downwardAPI": {"items": items}})
    await until_seen(yard, ref, "green")
    yard.change(ref, lambda body: body["metadata"]["labels"].update(colour="violet"))
    await until_seen(yard, ref, "violet")
    assert yard.container(ref)["restartCount"] == 0

"""pods/NAME/ephemeralcontainers: what may be added to a pod that runs, and what may not change."""

from typing import Any

import pytest

from tests.support.api import Answer, Api

STRATEGIC = "application/strategic-merge-patch+json"
PODS = "/api/v1/namespaces/mesh/pods"
SHELL = {"name": "shell", "image": "busybox", "command": ["sh"], "targetContainerName": "main"}


async def add(api: Api, *containers: dict[str, Any]) -> Answer:
    """As kubectl debug does it."""
    patch = {"spec": {"ephemeralContainers": list(containers)}}
    return await api.ask("PATCH", f"{PODS}/web/ephemeralcontainers", patch, content_type=STRATEGIC)


@pytest.fixture
async def web(api: Api) -> Api:
    """An API with a pod."""
    spec = {"containers": [{"name": "main", "image": "i", "command": ["sleep", "60"]}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    assert (await api.ask("POST", PODS, body)).code == 201
    return api


async def test_containers_are_added_with_their_defaults_and_stay(web: Api) -> None:
    reply = await add(web, SHELL)
    assert reply.code == 200, reply.body
    (container,) = reply.body["spec"]["ephemeralContainers"]
    assert (container["targetContainerName"], container["terminationMessagePolicy"]) == ("main", "File")
    # A strategic patch adds to the list, by the containers' names.
    reply = await add(web, {"name": "second", "image": "busybox"})
    assert [entry["name"] for entry in reply.body["spec"]["ephemeralContainers"]] == ["shell", "second"]
    read = await web.ask("GET", f"{PODS}/web/ephemeralcontainers")
    assert len(read.body["spec"]["ephemeralContainers"]) == 2


async def test_nothing_else_of_the_pod_changes(web: Api) -> None:
    patch = {"spec": {"hostname": "other", "ephemeralContainers": [SHELL]}}
    reply = await web.ask("PATCH", f"{PODS}/web/ephemeralcontainers", patch, content_type=STRATEGIC)
    assert "hostname" not in reply.body["spec"]


@pytest.mark.parametrize(
    ("container", "field"),
    [
        ({"name": "main", "image": "i"}, "spec.ephemeralContainers[0].name"),
        ({"name": "a", "image": "i", "ports": [{"containerPort": 80}]}, "spec.ephemeralContainers[0].ports"),
        (
            {"name": "a", "image": "i", "volumeMounts": [{"name": "none", "mountPath": "/x"}]},
            "spec.ephemeralContainers[0].volumeMounts[0].name",
        ),
    ],
)
async def test_what_is_wrong_is_named_in_the_list_of_the_user(web: Api, container: dict[str, Any], field: str) -> None:
    reply = await add(web, container)
    assert reply.code == 422
    assert [cause["field"] for cause in reply.body["details"]["causes"]] == [field]


async def test_what_was_added_neither_changes_nor_goes(web: Api) -> None:
    await add(web, SHELL)
    assert (await add(web, {**SHELL, "image": "alpine"})).code == 422
    body = (await web.ask("GET", f"{PODS}/web")).body
    body["spec"]["ephemeralContainers"] = []
    assert (await web.ask("PUT", f"{PODS}/web/ephemeralcontainers", body)).code == 422

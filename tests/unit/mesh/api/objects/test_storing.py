"""An object with finalizers stays, marked, until the last of them is taken away."""

from tests.support.api import Api
from tests.support.manifests import config

COLLECTION = "/api/v1/namespaces/mesh/configmaps"
MERGE = "application/merge-patch+json"


async def test_it_goes_when_the_last_finalizer_goes(api: Api) -> None:
    body = config("held")
    body["metadata"]["finalizers"] = ["example.com/one", "example.com/two"]
    assert (await api.ask("POST", COLLECTION, body)).code == 201
    path = f"{COLLECTION}/held"
    deleted = await api.ask("DELETE", path)
    assert deleted.code == 200
    marked = (await api.ask("GET", path)).body
    assert marked["metadata"]["deletionTimestamp"]
    assert (await api.ask("DELETE", path)).code == 200
    one = {"metadata": {"finalizers": ["example.com/two"]}}
    assert (await api.ask("PATCH", path, one, content_type=MERGE)).code == 200
    assert (await api.ask("GET", path)).code == 200
    none = {"metadata": {"finalizers": None}}
    assert (await api.ask("PATCH", path, none, content_type=MERGE)).code == 200
    assert (await api.ask("GET", path)).code == 404


async def test_without_finalizers_it_goes_at_once(api: Api) -> None:
    assert (await api.ask("POST", COLLECTION, config("plain"))).code == 201
    await api.ask("DELETE", f"{COLLECTION}/plain")
    assert (await api.ask("GET", f"{COLLECTION}/plain")).code == 404

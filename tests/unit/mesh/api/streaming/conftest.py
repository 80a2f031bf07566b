"""A real API server whose node runs commands as processes of this machine, and one running pod."""

from collections.abc import AsyncGenerator

import pytest

from mesh.api.server import ApiServer, ApiSettings
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store
from tests.support.api import Api, Kubectl, StandInAllocator, StandInLogs, StandInPlane
from tests.support.local_streams import LocalStreams

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "shell", "namespace": "default"},
    "spec": {"containers": [{"name": "main", "image": "shell", "command": ["sh"], "stdin": True}]},
    "status": {
        "phase": "Running",
        "podIP": "127.0.0.1",
        "containerStatuses": [
            {
                "name": "main",
                "ready": True,
                "restartCount": 0,
                "image": "shell",
                "imageID": "",
                "state": {"running": {}},
            }
        ],
    },
}


@pytest.fixture
async def api(settings: ApiSettings) -> AsyncGenerator[Api, None]:
    store = Store.open(None)
    server = ApiServer(
        store,
        settings,
        plane=StandInPlane(),
        logs=StandInLogs(),
        allocator=StandInAllocator(),
        status=dict,
        streams=LocalStreams(),
    )
    url = await server.start()
    store.commit([Put(Ref("", "Pod", "default", "shell"), POD)])
    api = Api(server, url, settings.home, store)
    yield api
    api.close()
    await server.stop()
    store.close()


@pytest.fixture(params=["websocket", "spdy"])
def kubectl(request: pytest.FixtureRequest, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl in each of the two ways in which it asks for streams."""
    kubectl = Kubectl(api, tmp_path_factory.mktemp("kubectl"))
    word = "true" if request.param == "websocket" else "false"
    kubectl.environment.update(KUBECTL_REMOTE_COMMAND_WEBSOCKETS=word, KUBECTL_PORT_FORWARD_WEBSOCKETS=word)
    return kubectl

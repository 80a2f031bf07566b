"""A real API server on a free port of loopback, with TLS, over a store in memory."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from mesh.api.server import ApiServer, ApiSettings
from mesh.store import Store
from tests.support.api import Api, Kubectl, StandInAllocator, StandInLogs, StandInPlane


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    return ApiSettings(home=tmp_path / "home", namespace="mesh")


@pytest.fixture
async def api(settings: ApiSettings) -> AsyncGenerator[Api, None]:
    store = Store.open(None)
    plane, logs = StandInPlane(), StandInLogs()
    server = ApiServer(store, settings, plane=plane, logs=logs, allocator=StandInAllocator(), status=lambda: {"pid": 1})
    url = await server.start()
    found = Api(server, url, settings.home, store)
    found.plane, found.logs = plane, logs
    yield found
    found.close()
    await server.stop()
    store.close()


@pytest.fixture
def kubectl(api: Api, tmp_path: Path) -> Kubectl:
    return Kubectl(api, tmp_path)

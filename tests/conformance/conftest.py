"""One Envoy with its pods for a module's tests, the loop it lives in, and the mall's services as processes."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from tests.conformance.rig import Rig
from tests.support.services import SERVICES, Service, end, start_service


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as held:
        yield held


@pytest.fixture(scope="module")
def rig(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    held = Rig(tmp_path_factory.mktemp("rig"))
    runner.run(held.start())
    try:
        yield held
    finally:
        runner.run(held.stop())


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, Service]]:
    """All nine in v1, but products with favourites; those that CONTRACT_<NAME>_URL names are not ours."""
    running: dict[str, Service] = {}
    addresses: dict[str, str] = {}
    try:
        for name in SERVICES:
            given = os.environ.get(f"CONTRACT_{name.upper()}_URL")
            if given:
                running[name] = Service(name, given.rstrip("/"))
            else:
                environ = {"FAVORITES": "true"} if name == "products" else {}
                running[name] = start_service(name, {**addresses, **environ})
            addresses[f"{name.upper()}_URL"] = running[name].url
        yield running
    finally:
        for service in running.values():
            end(service)

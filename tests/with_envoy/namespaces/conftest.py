"""Pods in network namespaces, where this machine allows them."""

from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest

from mesh.observe.access_log import AccessLog
from mesh.observe.hops import Ring
from mesh.pods.sandbox.availability import Unavailable, can_use_namespaces
from tests.support.pod_networks import PodNetworks, pod_networks


@cache
def _why_not() -> str:
    possible = can_use_namespaces()
    return possible.reason if isinstance(possible, Unavailable) else ""


@pytest.fixture
async def mesh_seen(tmp_path: Path) -> AsyncIterator[tuple[PodNetworks, Ring]]:
    """The same, and what Envoy reports of it."""
    if reason := _why_not():
        pytest.skip(reason)
    home = tmp_path / "home"
    home.mkdir()
    ring = Ring()
    async with pod_networks(home, AccessLog(ring)) as networks:
        yield networks, ring


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[PodNetworks]:
    if reason := _why_not():
        pytest.skip(reason)
    home = tmp_path / "home"
    home.mkdir()
    async with pod_networks(home) as networks:
        yield networks

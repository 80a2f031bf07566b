"""Names of ServiceEntries are resolved when they are needed, and keep their addresses when the resolver is away."""

import asyncio
import socket
from typing import Any

import pytest

from mesh.control.host_names import REFRESH, HostNames


async def test_a_name_keeps_the_addresses_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"a.example.com": ["10.0.0.2", "10.0.0.1"], "b.example.com": ["10.0.0.3"]}

    async def resolve(host: str, port: None, **options: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    names = HostNames()
    assert HostNames().pause is None
    await names.follow(["a.example.com", "gone.example.com"])
    assert names.pause == REFRESH
    assert names.addresses == {"a.example.com": ("10.0.0.1", "10.0.0.2"), "gone.example.com": ()}
    known["a.example.com"].reverse()
    assert not await names.refresh()
    known["gone.example.com"] = ["10.0.0.9"]
    assert await names.refresh()
    del known["a.example.com"]
    assert not await names.refresh()
    assert names.addresses["a.example.com"] == ("10.0.0.1", "10.0.0.2")
    await names.follow(["b.example.com"])
    assert names.addresses == {"b.example.com": ("10.0.0.3",)}

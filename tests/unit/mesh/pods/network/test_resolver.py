"""Names of the outside: asked of a name server, checked, given back."""

import os
import selectors
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mesh.pods.network import resolver as module
from mesh.pods.network.dns_message import (
    AAAA,
    CNAME,
    NOERROR,
    NXDOMAIN,
    SERVFAIL,
    A,
    Answer,
    Query,
    Record,
    address_record,
    decode_answer,
    decode_query,
    encode_answer,
    encode_name,
)
from mesh.pods.network.names import Name
from mesh.pods.network.resolver import HostNameServers, Resolver, outside_sockets


class Loop:
    """The agent's loop, as far as the resolver needs it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, source: Any, handler: Callable[[int], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, handler)

    def unwatch(self, source: Any) -> None:
        self._selector.unregister(source)

    def turn(self, timeout: float | None = None) -> None:
        for key, events in self._selector.select(timeout):
            key.data(events)

    def close(self) -> None:
        self._selector.close()


class Rig:
    """A resolver, and the name server that it asks."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.upstream.bind(("127.0.0.1", 0))
        self.outside = outside_sockets()
        self.servers = [self.upstream.getsockname()]
        self.resolver = Resolver(self.loop, self.outside, lambda: self.servers)
        self.answers: list[Answer] = []

    def ask(self, name: str, kind: int = A) -> None:
        data = struct.pack("!6H", 77, 0x100, 1, 0, 0, 0) + encode_name(name) + struct.pack("!HH", kind, 1)
        self.resolver.question(data, None, lambda message: self.answers.append(decode_answer(message)))

    def asked(self) -> tuple[Query, Any]:
        data, peer = self.upstream.recvfrom(4096)
        return decode_query(data), peer

    def reply(self, query: Query, peer: Any, code: int, records: list[Record]) -> None:
        self.upstream.sendto(encode_answer(query, code, records, limit=4096), peer)
        self.loop.turn()


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.loop.close()
    for sock in (rig.upstream, *rig.outside.values()):
        sock.close()


def test_an_outside_name_is_answered_by_the_name_server(rig: Rig) -> None:
    rig.ask("Example.com")
    query, peer = rig.asked()
    assert (query.name, query.kind, query.limit) == ("example.com", A, 4096)
    rig.reply(query, peer, NOERROR, [address_record("example.com", "93.184.216.34", 60)])
    (answer,) = rig.answers
    assert (answer.id, answer.code) == (77, NOERROR)
    assert answer.records == [address_record("example.com", "93.184.216.34", 60)]
    assert answer.question.startswith(b"\x07Example")
    assert rig.resolver.timeout() is None


def test_an_external_name_brings_its_alias_and_the_addresses(rig: Rig) -> None:
    rig.resolver.table = {"billing.shop.svc.cluster.local": Name(alias="example.com")}
    rig.ask("billing.shop.svc.cluster.local")
    query, peer = rig.asked()
    assert query.name == "example.com"
    rig.reply(query, peer, NOERROR, [address_record("example.com", "93.184.216.34", 60)])
    kinds = [(record.name, record.kind) for record in rig.answers[0].records]
    assert kinds == [("billing.shop.svc.cluster.local", CNAME), ("example.com", A)]


def test_ipv6_addresses_are_left_out_and_missing_names_stay_missing(rig: Rig) -> None:
    for code, records in ((NOERROR, [Record("example.com", AAAA, 60, bytes(16))]), (NXDOMAIN, [])):
        rig.ask("example.com", AAAA)
        rig.reply(*rig.asked(), code, records)
    assert [(answer.code, answer.records) for answer in rig.answers] == [(NOERROR, []), (NXDOMAIN, [])]


def test_answers_that_nobody_asked_for_are_ignored(rig: Rig) -> None:
    rig.ask("example.com")
    query, peer = rig.asked()
    forged = [address_record("example.com", "6.6.6.6", 60)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(encode_answer(query, NOERROR, forged, limit=4096), peer)
        rig.loop.turn()
    rig.reply(query._replace(id=query.id ^ 1), peer, NOERROR, forged)
    rig.reply(query._replace(question=encode_name("other.com") + b"\0\1\0\1"), peer, NOERROR, forged)
    rig.upstream.sendto(os.urandom(5), peer)
    rig.loop.turn()
    assert rig.answers == []
    rig.reply(query, peer, NXDOMAIN, [])
    assert [answer.code for answer in rig.answers] == [NXDOMAIN]


def test_a_silent_name_server_is_asked_again_and_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRY_SECONDS", 0.0)
    rig.ask("example.com")
    for _ in range(module.MOST_TRIES):
        assert rig.asked()[0].name == "example.com"
        assert rig.answers == []
        assert rig.resolver.timeout() == 0.0
        rig.resolver.expire()
    assert [answer.code for answer in rig.answers] == [SERVFAIL]


def test_without_name_servers_lookups_fail_at_once(rig: Rig) -> None:
    rig.servers = []
    rig.ask("example.com")
    assert [answer.code for answer in rig.answers] == [SERVFAIL]


def test_the_machines_name_servers_are_read_again_when_they_change(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    servers = HostNameServers(file)
    assert servers() == []
    file.write_text("# none\nsearch x\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver\n")
    assert servers() == [("10.0.0.1", 53), ("fe80::1", 53)]
    file.unlink()
    (tmp_path / "new").write_text("nameserver 10.0.0.2\n")
    (tmp_path / "new").rename(file)
    os.utime(file, ns=(1, 1))
    assert servers() == [("10.0.0.2", 53)]

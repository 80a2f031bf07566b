"""DNS messages, and what the table of names answers."""

import socket
import struct

import pytest

from mesh.pods.network.dns_message import (
    AAAA,
    AUTHORITATIVE,
    CNAME,
    NOERROR,
    NXDOMAIN,
    PTR,
    RCODE,
    SERVFAIL,
    SRV,
    TRUNCATED,
    A,
    Malformed,
    Query,
    address_record,
    decode_answer,
    decode_name,
    decode_query,
    encode_answer,
    encode_name,
    encode_query,
)
from mesh.pods.network.names import Name, Verdict, answer, apply, changes, pointer_name

TABLE = {
    "orders.shop.svc.cluster.local": Name(("10.96.0.7",)),
    "_http._tcp.orders.shop.svc.cluster.local": Name(services=((80, "orders.shop.svc.cluster.local"),)),
    "db.shop.svc.cluster.local": Name(tuple(f"10.244.1.{number}" for number in range(2, 5))),
    "billing.shop.svc.cluster.local": Name(alias="Billing.example.com"),
    "old-orders.shop.svc.cluster.local": Name(alias="orders.shop.svc.cluster.local"),
    "broken.shop.svc.cluster.local": Name(alias="gone.shop.svc.cluster.local"),
    "circle.shop.svc.cluster.local": Name(alias="circle.shop.svc.cluster.local"),
    "host.meshmall.internal": Name(("10.244.0.2",)),
    "*.example.org": Name(("10.97.0.1",)),
    pointer_name("10.96.0.7"): Name(pointer="orders.shop.svc.cluster.local"),
}


def query(name: str, kind: int = A, *, edns: int = 0) -> Query:
    opt = b"\0" + struct.pack("!HHIH", 41, edns, 0, 0) if edns else b""
    head = struct.pack("!6H", 7, 0x100, 1, 0, 0, 1 if edns else 0)
    return decode_query(head + encode_name(name) + struct.pack("!HH", kind, 1) + opt)


def texts(verdict: Verdict) -> list[str]:
    lines = []
    for record in verdict.records:
        if record.kind == A:
            lines.append(f"{record.name} A {socket.inet_ntoa(record.data)}")
        elif record.kind == SRV:
            lines.append(f"SRV {struct.unpack('!HHH', record.data[:6])} {decode_name(record.data, 6)[0]}")
        else:
            lines.append(f"{record.name} {record.kind} {decode_name(record.data, 0)[0]}")
    return lines


@pytest.mark.parametrize(
    ("name", "kind", "code", "records", "outside"),
    [
        ("orders.shop.svc.cluster.local", A, NOERROR, ["orders.shop.svc.cluster.local A 10.96.0.7"], ""),
        ("ORDERS.Shop.svc.cluster.local", A, NOERROR, ["orders.shop.svc.cluster.local A 10.96.0.7"], ""),
        ("orders.shop.svc.cluster.local", AAAA, NOERROR, [], ""),
        ("nothing.shop.svc.cluster.local", A, NXDOMAIN, [], ""),
        ("api.github.com.shop.svc.cluster.local", AAAA, NXDOMAIN, [], ""),
        ("billing.shop.svc.cluster.local", A, NOERROR, [f"billing.shop.svc.cluster.local {CNAME} Billing.example.com"],
         "billing.example.com"),
        ("old-orders.shop.svc.cluster.local", A, NOERROR,
         [f"old-orders.shop.svc.cluster.local {CNAME} orders.shop.svc.cluster.local",
          "orders.shop.svc.cluster.local A 10.96.0.7"], ""),
        ("broken.shop.svc.cluster.local", A, NXDOMAIN,
         [f"broken.shop.svc.cluster.local {CNAME} gone.shop.svc.cluster.local"], ""),
        ("host.meshmall.internal", A, NOERROR, ["host.meshmall.internal A 10.244.0.2"], ""),
        ("a.b.example.org", A, NOERROR, ["a.b.example.org A 10.97.0.1"], ""),
        ("example.com", A, NOERROR, [], "example.com"),
        ("7.0.96.10.in-addr.arpa", PTR, NOERROR, [f"7.0.96.10.in-addr.arpa {PTR} orders.shop.svc.cluster.local"], ""),
        ("8.0.96.10.in-addr.arpa", PTR, NXDOMAIN, [], ""),
        ("8.8.8.8.in-addr.arpa", PTR, NOERROR, [], "8.8.8.8.in-addr.arpa"),
        ("_http._tcp.orders.shop.svc.cluster.local", SRV, NOERROR, ["SRV (0, 100, 80) orders.shop.svc.cluster.local"],
         ""),
    ],
)  # fmt: skip
def test_lookups(name: str, kind: int, code: int, records: list[str], outside: str) -> None:
    verdict = answer(TABLE, query(name, kind))
    assert (verdict.code, texts(verdict), verdict.outside) == (code, records, outside)
    assert (verdict.authority is not None) == ((not records and not outside) or code == NXDOMAIN)


def test_addresses_take_turns() -> None:
    firsts = [texts(answer(TABLE, query("db.shop.svc.cluster.local"), turn))[0][-1] for turn in range(4)]
    assert firsts == ["2", "3", "4", "2"]


def test_aliases_in_a_circle_end() -> None:
    assert len(answer(TABLE, query("circle.shop.svc.cluster.local")).records) == 8


def test_before_the_daemon_has_sent_a_table_clients_try_again() -> None:
    assert answer(None, query("orders.shop.svc.cluster.local")) == Verdict(SERVFAIL, [])
    assert answer(None, query("example.com")).outside == "example.com"


def test_an_answer_that_is_too_large_is_cut_off_whole() -> None:
    records = [address_record("db.shop", f"10.244.1.{number}", 5) for number in range(100)]
    small, large = query("db.shop"), query("db.shop", edns=4096)
    cut = encode_answer(small, NOERROR, records, limit=small.limit)
    assert len(cut) <= 512
    assert decode_answer(cut).truncated
    assert decode_answer(cut).records == []
    full = decode_answer(encode_answer(large, NOERROR, records, limit=large.limit))
    assert (full.truncated, full.records) == (False, records)


def test_the_question_comes_back_as_it_was_asked() -> None:
    asked = query("OrDers.shop")
    data = encode_answer(asked, NXDOMAIN, [], limit=512)
    id_, flags = struct.unpack_from("!HH", data)
    assert (id_, flags & RCODE, flags & AUTHORITATIVE, flags & TRUNCATED) == (7, NXDOMAIN, AUTHORITATIVE, 0)
    assert data[12:].startswith(b"\x06OrDers\x04shop\0")


def test_compressed_names_of_an_upstream_answer_are_written_out() -> None:
    question = encode_name("www.example.com") + struct.pack("!HH", A, 1)
    alias = b"\xc0\x0c" + struct.pack("!HHIH", CNAME, 1, 60, 6) + b"\x03web\xc0\x10"
    exchange = b"\xc0\x10" + struct.pack("!HHIH", 15, 1, 60, 9) + b"\0\x0a\x04mail\xc0\x10"
    reply = decode_answer(struct.pack("!6H", 9, 0x8180, 1, 2, 0, 0) + question + alias + exchange)
    assert (reply.id, reply.code, reply.question) == (9, NOERROR, question)
    assert reply.records[0].data == encode_name("web.example.com")
    assert reply.records[1].data == b"\0\x0a" + encode_name("mail.example.com")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 12,
        struct.pack("!6H", 1, 0x8000, 1, 0, 0, 0) + b"\0\0\1\0\1",
        struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\x05abc",
        struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1",
        struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\x01a\0\0",
        encode_query(3, encode_name("a") + b"\0\1\0\1")[:15],
    ],
)
def test_what_is_no_query_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_query(data)


def test_a_table_is_changed_by_what_differs() -> None:
    table = dict(TABLE)
    new = {
        **TABLE,
        "orders.shop.svc.cluster.local": Name(("10.96.0.9",)),
        "x.svc.cluster.local": Name(services=((1, "y"),)),
    }
    del new["host.meshmall.internal"]
    changed = changes(table, new)
    assert set(changed) == {"orders.shop.svc.cluster.local", "x.svc.cluster.local", "host.meshmall.internal"}
    apply(table, changed)
    assert table == new

"""Lines of Envoy's as hops: whole ones, partial ones, and what clients try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.observe.hop_lines import hops_of, is_counted
from mesh.observe.hops import Hop
from mesh.routing.model.hop_line import FIELDS, LONGEST_ID, MARK, SEPARATOR
from mesh.routing.model.tunnel import TUNNEL

WHOLE = {
    "mark": MARK,
    "start": "1764100000.123456",
    "microseconds": "1500",
    "milliseconds": "1",
    "listener": "10.244.0.9:15001",
    "upstream": "10.244.0.7:7000",
    "cluster": "outbound|7000||products.mesh.svc.cluster.local",
    "route": "mesh/products[baseline]",
    "status": "503",
    "flags": "UF,XX,URX",
    "received": "7",
    "sent": "1234",
    "branch": "fox",
    "original_trace": "4bf92f3577b34da6a3ce929d0e0e4736",
    "label": "fox; fallback=products,discount",
    "method": "GET",
    "request_id": "a-b",
    "traceparent": "00-x",
    "authority": "products:7000",
    "path": "/products?id=1",
}


def line(**fields: str) -> bytes:
    return SEPARATOR.join({**WHOLE, **fields}[name] for name in FIELDS).encode(errors="surrogateescape")


def hop(text: bytes) -> Hop | None:
    (one,) = hops_of(text)
    return one


def test_a_line_is_a_hop() -> None:
    assert hop(line()) == Hop(
        start=1764100000.123456,
        duration=0.0015,
        listener="10.244.0.9:15001",
        upstream="10.244.0.7:7000",
        cluster="outbound|7000||products.mesh.svc.cluster.local",
        route="mesh/products[baseline]",
        method="GET",
        authority="products:7000",
        path="/products?id=1",
        status=503,
        flags="UF,URX",
        request_id="a-b",
        traceparent="00-x",
        branch="fox",
        request_bytes=7,
        response_bytes=1234,
        fallback=("products", "discount"),
        original_trace="4bf92f3577b34da6a3ce929d0e0e4736",
    )


def test_a_request_without_an_answer_has_the_time_that_envoy_knows() -> None:
    bare = hop(line(microseconds="", upstream="", cluster="", route="", status="0", label="", branch=""))
    assert bare is not None
    assert (bare.duration, bare.upstream, bare.status, bare.fallback) == (0.001, "", 0, ())


def test_the_way_into_a_tunnel_is_no_call() -> None:
    tunnel, call = hop(line(cluster=TUNNEL)), hop(line())
    assert tunnel is not None
    assert call is not None
    assert not is_counted(tunnel)
    assert is_counted(call)


@pytest.mark.parametrize("text", [b"", b"hop", line(mark="other"), line(start="soon"), line(status="\t"), line()[:60]])
def test_what_is_no_line_is_no_hop(text: bytes) -> None:
    assert hop(text) is None


def test_ids_are_bounded_and_methods_are_known_ones() -> None:
    one = hop(line(request_id="x" * 5000, method="BREW"))
    assert one is not None
    assert (len(one.request_id), one.method) == (LONGEST_ID, "")


# What an HTTP server lets through in a header: anything but control characters, with the tab.
OUTSIDE = st.binary(max_size=60).map(lambda value: bytes(byte for byte in value if byte >= 32 or byte == 9))


@given(OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE)
def test_what_clients_write_changes_only_what_they_have_written(
    one: bytes, two: bytes, three: bytes, four: bytes
) -> None:
    values = (value.decode(errors="surrogateescape") for value in (one, two, three, four))
    hostile = line(**dict(zip(("request_id", "traceparent", "authority", "path"), values, strict=True)))
    before, changed, after = hops_of(b"\n".join((line(), hostile, line())))
    assert before == after == hop(line())
    assert changed is not None
    assert (changed.start, changed.listener, changed.status, changed.branch) == (
        1764100000.123456,
        "10.244.0.9:15001",
        503,
        "fox",
    )

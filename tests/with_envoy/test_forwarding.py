"""The branch travels in what programs forward anyway, and nobody outside can make such a mark."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.data_plane import PatientPlane, Place
from tests.support.forwarding import BRANCHES, EVERYTHING, FORWARDED, NOTHING, SERVICES, Chain

BASELINE = [f"{name}-v1" for name in SERVICES]
IN_ANN = [*BASELINE[:-1], "fourth-ann"]
ENTRY = ("cookie", "theme=dark; user=ann")
CLIENT_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENT_PARENT = f"00-{CLIENT_TRACE}-00f067aa0ba902b7-01"
drawn = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
async def chain(plane: PatientPlane, place: Place) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        programs = Chain(place, plane)
        await programs.start(stack)
        await programs.apply()
        yield programs


@pytest.mark.parametrize("forwarded", sorted(FORWARDED))
async def test_programs_that_forward_one_of_them_stay_in_the_branch(chain: Chain, forwarded: str) -> None:
    chain.forwards = dict.fromkeys(SERVICES, FORWARDED[forwarded])
    for lines in ((ENTRY,), (ENTRY, ("traceparent", CLIENT_PARENT)), (ENTRY, ("x-b3-traceid", CLIENT_TRACE[:16]))):
        assert await chain.ask(*lines) == IN_ANN, lines
        for seen in chain.seen[1:]:
            assert seen.value("x-branch") == "ann", (seen, lines)
    # And nobody is in a branch who has not entered one.
    assert await chain.ask(("cookie", "user=nobody")) == BASELINE


async def test_a_program_that_forwards_nothing_loses_the_branch(chain: Chain) -> None:
    chain.forwards = dict.fromkeys(SERVICES, NOTHING)
    assert await chain.ask(ENTRY) == BASELINE


def test_each_program_may_forward_something_else(chain: Chain) -> None:
    loop = asyncio.get_event_loop_policy().get_event_loop()
    # A cookie is marked where there are cookies: not behind a program that forwards none.
    kinds = st.sampled_from(sorted(FORWARDED.keys() - {"cookie"}))
    client = st.lists(
        st.sampled_from(
            (
                ("traceparent", CLIENT_PARENT),
                ("traceparent", "00-not-a-trace-01"),
                ("tracestate", "vendor=1,other=2"),
                ("x-request-id", "a client's own, with blanks"),
                ("x-request-id", "5f0c6a0e-7d57-4a4b-8f4e-31c4d2f09d7a"),
                ("b3", f"{CLIENT_TRACE}-00f067aa0ba902b7-0"),
                ("b3", "0"),
                ("x-b3-traceid", CLIENT_TRACE[:16]),
                ("baggage", "tenant=7"),
            )
        ),
        max_size=3,
        unique_by=lambda line: line[0],
    )

    @drawn
    @given(st.tuples(kinds, kinds, kinds), client, st.sampled_from(BRANCHES))
    def run(forwards: tuple[str, ...], lines: list[tuple[str, str]], name: str) -> None:
        chain.forwards = {service: FORWARDED[kind] for service, kind in zip(SERVICES, forwards, strict=False)}
        if "b3" in forwards and ("b3", "0") in lines:
            # The client forbids tracing: there is no id that such a program could forward.
            return
        reached = loop.run_until_complete(chain.ask(("cookie", f"user={name}"), *lines))
        assert reached == [*BASELINE[:-1], f"fourth-{name}"]

    run()


async def test_what_is_written_is_valid_and_the_client_s_ids_can_be_found(chain: Chain) -> None:
    chain.forwards = dict.fromkeys(SERVICES, EVERYTHING)
    request_id = "5f0c6a0e-7d57-4a4b-8f4e-31c4d2f09d7a"
    lines = (("traceparent", CLIENT_PARENT), ("tracestate", "vendor=1"), ("x-request-id", request_id))
    assert await chain.ask(ENTRY, *lines) == IN_ANN
    tag = chain.tag("ann")
    assert len({seen.value("x-request-id") for seen in chain.seen}) == 1
    for seen in chain.seen:
        trace = tag + CLIENT_TRACE[16:]
        assert seen.value("x-request-id") == f"{request_id}@ann-{tag}"
        assert seen.value("traceparent") == f"00-{trace}-00f067aa0ba902b7-01"
        assert seen.value("tracestate") == f"meshmall=ann-{tag}.{CLIENT_TRACE},vendor=1"
        assert seen.value("b3") == f"{trace}-00f067aa0ba902b7-1"
        assert seen.value("x-b3-traceid") == trace
        assert seen.value("baggage") == "branch=ann"
        assert seen.value("cookie") == f"theme=dark; user=ann; meshmall-branch=ann-{tag}"


async def test_an_id_that_would_break_logs_is_replaced(chain: Chain) -> None:
    for hostile in (b"\xff\xfe", b"x" * 50_000, b"a b", b"@" * 3000, b"@ann-0123456789abcdef"):
        assert await chain.ask(ENTRY, ("x-request-id", hostile)) == BASELINE
        found = chain.seen[0].value("x-request-id")
        assert re.fullmatch(rf"[0-9a-f-]{{36}}@ann-{chain.tag('ann')}", found), hostile[:40]


async def test_a_program_s_own_trace_keeps_its_id(chain: Chain) -> None:
    mark = f"ann-{chain.tag('ann')}"
    assert await chain.call("third-v1", ("x-request-id", f"x@{mark}"), ("traceparent", CLIENT_PARENT)) == ["fourth-ann"]
    assert chain.seen[0].value("traceparent") == CLIENT_PARENT
    assert chain.seen[0].value("tracestate") == f"meshmall={mark}"
    assert chain.seen[0].value("b3") == ""


async def test_a_branch_s_own_pods_mark_what_they_call(chain: Chain) -> None:
    assert await chain.call("third-bob") == ["fourth-bob"]
    tag = chain.tag("bob")
    assert chain.seen[0].value("x-request-id").endswith(f"@bob-{tag}")
    assert chain.seen[0].value("traceparent").startswith(f"00-{tag}")
    # The request's own branch counts more than whose pod it is.
    ann = chain.tag("ann")
    assert await chain.call("third-bob", ("traceparent", f"00-{ann}{CLIENT_TRACE[16:]}-00f067aa0ba902b7-01")) == [
        "fourth-ann"
    ]


async def test_a_branch_that_does_not_exist_is_dropped_at_every_hop(chain: Chain) -> None:
    for lines in ((("x-branch", "anything"),), (("baggage", "branch=anything"),), (("baggage", "branch=ann2"),)):
        chain.forwards = dict.fromkeys(SERVICES, EVERYTHING)
        assert await chain.ask(*lines) == BASELINE
        assert all(seen.value("x-branch") == "" for seen in chain.seen)
        assert await chain.call("third-v1", *lines) == ["fourth-v1"]
        assert chain.seen[0].value("x-branch") == ""
    await chain.apply(branches=("bob",))
    assert await chain.ask(ENTRY) == BASELINE
    await chain.apply(branches=())
    for lines in ((("x-branch", "bob"),), (("baggage", "branch=bob"),), (("x-request-id", "x@bob-0123456789abcdef"),)):
        assert await chain.ask(*lines) == BASELINE
        assert all(seen.value("x-branch") == "" for seen in chain.seen)


def _marks(tag: str, name: str) -> st.SearchStrategy[list[tuple[str, bytes]]]:
    """Headers with which somebody who knows a branch's tag could try to enter it."""
    trace = tag + CLIENT_TRACE[16:]
    mark = f"{name}-{tag}"
    pad = st.sampled_from((b"", b" ", b"\t", b"x" * 50_000, b"\xff\xfe", b",", b"@", b"@x-0123456789abcdef"))
    values = {
        "x-request-id": (f"@{mark}", f"x@{mark}", f"x@{mark}@{mark}", f"x@{mark}@bob-{tag}", f"{mark}"),
        "tracestate": (
            f"meshmall={mark}",
            f"a=b, meshmall={mark} ,c=d",
            f"meshmall={mark}.{CLIENT_TRACE}",
            f"meshmall =x,meshmall={mark}",
        ),
        "traceparent": (
            f"00-{trace}-00f067aa0ba902b7-01",
            f"01-{trace}-00f067aa0ba902b7-01-x",
            f"ff-{trace}-00f067aa0ba902b7-01",
            f"00-{trace}",
        ),
        "b3": (f"{trace}-00f067aa0ba902b7-1", f"{trace}-00f067aa0ba902b7", trace),
        "x-b3-traceid": (trace, f"{trace}0"),
        "cookie": (f"meshmall-branch={mark}", f"a=1; meshmall-branch={mark};b=2", f"a=1,meshmall-branch={mark}"),
        "uber-trace-id": (f"{trace}:1:0:1",),
        "x-cloud-trace-context": (f"{trace}/1;o=1",),
        "x-branch": (name,),
        "baggage": ("branch=anything", f"branch={mark}", f"a=b;branch={name}", f"xbranch={name}"),
    }

    @st.composite
    def line(draw: st.DrawFn) -> tuple[str, bytes]:
        key = draw(st.sampled_from(sorted(values)))
        value = draw(st.sampled_from(values[key]))
        value = draw(st.sampled_from((value, value.upper(), value.title())))
        before, after = draw(st.one_of(st.just((b"", b"")), st.tuples(pad, pad)))
        return draw(st.sampled_from((key, key.title()))), before + value.encode() + after

    return st.lists(line(), min_size=1, max_size=4)


@pytest.mark.parametrize("lower", [False, True], ids=["as it came", "in lower case"])
def test_nobody_enters_a_branch_without_one_of_its_entries(chain: Chain, lower: bool) -> None:
    """Programs forward everything; some mend what they forward."""
    loop = asyncio.get_event_loop_policy().get_event_loop()
    chain.forwards = dict.fromkeys(SERVICES, EVERYTHING)
    chain.lower = lower

    @settings(drawn, max_examples=150)
    @given(_marks(chain.tag("ann"), "ann"))
    def run(lines: list[tuple[str, bytes]]) -> None:
        reached = loop.run_until_complete(chain.ask(*lines))
        # 431: more than 60 kB of headers; 400: bytes that no header may have.
        assert reached in (BASELINE, ["400"], ["431"]), reached
        # In another branch one stays in that, whatever one says of this one.
        entered = loop.run_until_complete(chain.ask(("x-dev", "bob"), *lines))
        assert entered in ([*BASELINE[:-1], "fourth-bob"], ["400"], ["431"]), entered

    run()

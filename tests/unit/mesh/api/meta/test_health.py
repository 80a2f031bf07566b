"""What a probe learns about the daemon's loops, and what it does not."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mesh.api.meta.health import FAILURES_UNTIL_DEAD, Health
from mesh.api.transport.http import Reply
from mesh.reconcile.supervisor import LoopState, Supervisor
from tests.support.api import Api


class Loops:
    """A supervisor whose loops are in the states that the test says."""

    def __init__(self, **states: LoopState) -> None:
        self.states = states


def health(**states: LoopState) -> Health:
    return Health(cast(Supervisor, Loops(**states)))


def request(path: str, *, verbose: bool = False) -> Any:
    return SimpleNamespace(path=path, flag=lambda name: verbose and name == "verbose")


def text(reply: Reply) -> str:
    assert isinstance(reply.body, bytes)
    return reply.body.decode()


async def test_while_all_loops_run_the_answer_is_ok() -> None:
    healthy = health(programmer=LoopState(), pods=LoopState(restarts=3))
    assert text(await healthy.ready(request("/readyz"))) == "ok"
    verbose = await healthy.live(request("/livez", verbose=True))
    assert text(verbose) == "[+]ping ok\n[+]programmer ok\n[+]pods ok\nlivez check passed\n"


@pytest.mark.parametrize(
    ("state", "live", "ready"),
    [
        (LoopState(running=False, failures=1, reason="secret"), 200, 500),
        (LoopState(running=True, failures=1), 200, 200),
        (LoopState(running=True, failures=2), 200, 500),
        (LoopState(running=False, failures=FAILURES_UNTIL_DEAD), 500, 500),
    ],
)
async def test_a_loop_that_is_down_is_not_ready_and_one_that_cannot_be_kept_up_is_dead(
    state: LoopState, live: int, ready: int
) -> None:
    of = health(programmer=state, pods=LoopState())
    assert (await of.live(request("/livez"))).code == live
    reply = await of.ready(request("/readyz"))
    assert reply.code == ready
    if ready == 500:
        assert text(reply) == "[+]ping ok\n[-]programmer failed: reason withheld\n[+]pods ok\nreadyz check failed\n"


async def test_the_server_lists_its_loops(api: Api) -> None:
    answer = await api.ask("GET", "/readyz?verbose")
    assert answer.code == 200
    assert "[+]collector ok" in str(answer.body)

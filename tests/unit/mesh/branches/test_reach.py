"""Whether the addresses of developers' own processes answer."""

from mesh.branches.reach import Reach, answers
from mesh.reconcile.supervisor import Supervisor
from tests.support.server import Server
from tests.support.services import unused_address
from tests.support.waiting import eventually


async def serve(*_: object) -> None:
    pass


async def test_an_address_answers_while_somebody_listens() -> None:
    async with await Server.start(serve, "127.0.0.1") as server:
        port = server.port
        assert await answers("127.0.0.1", port)
    assert not await answers("127.0.0.1", port)


async def test_a_change_is_reported_once_and_forgotten_with_the_address() -> None:
    changed: list[str] = []
    reach = Reach(changed.append, Supervisor())
    away = unused_address()
    async with await Server.start(serve, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.port}"
        reach.follow(frozenset((url, away)))
        await eventually(lambda: changed)
        assert (changed, reach.up(url), reach.up(away)) == ([url], True, False)
        reach.follow(frozenset((away,)))
        assert not reach.up(url)
    await reach.stop()

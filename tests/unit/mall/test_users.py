"""The stores of users: one suite, against SQLite and against a server of MongoDB's protocol.

The server is `nx-27017`, which speaks MongoDB's wire protocol over SQLite. It stands for the real one in what users
asks of it: the handshake of PyMongo's asynchronous client, upserts with `$setOnInsert`, a unique index, `find_one`,
`ping`. It does not stand for replica sets, elections, authentication, or what MongoDB does under load.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mall.kit.problem import Problem
from mall.kit.settings import SettingError
from mall.users.mongo import MongoPeople
from mall.users.people import INITIAL_USERS, People
from mall.users.sqlite import SqlitePeople
from tests.support.services import Start, unused_address
from tests.support.waiting import until

# PyMongo 4.20 leaves the socket open when its client is closed while a monitor connects. The socket is collected at the
# end of the same test (see tests/conftest.py), so that it cannot fail another.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server of MongoDB's protocol."""
    program = shutil.which("nx-27017", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("nx-27017, a server of MongoDB's protocol, is not installed")
    folder = tmp_path_factory.mktemp("mongodb")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                *("--data-dir", "memory", "--port", str(port)),
                *("--log-file", str(folder / "log"), "--pid-file", str(folder / "pid")),
            ],
            stdout=output,
            stderr=output,
        )

    def listens() -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens, 30)
        yield f"mongodb://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["sqlite", "mongodb"])
async def people(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[People]:
    store: People
    if request.param == "sqlite":
        store = SqlitePeople(str(tmp_path / "users.db"))
    else:
        address = request.getfixturevalue("mongodb")
        store = MongoPeople(f"{address}/test{abs(hash(request.node.name))}")
    assert await store.answers()
    yield store
    await store.close()


async def test_the_users_of_the_start_are_there(people: People) -> None:
    for name in INITIAL_USERS:
        user = await people.find(name)
        assert user is not None
        assert user.name == name
    assert await people.find("nobody") is None


async def test_a_name_registered_twice_is_one_user(people: People) -> None:
    first = await people.register("小明")
    assert await people.register("小明") == first
    assert await people.find("小明") == first
    assert (await people.register("other")).id != first.id


async def test_a_name_registered_at_once_by_many_is_one_user(people: People) -> None:
    users = await asyncio.gather(*(people.register("crowd") for _ in range(25)))
    assert len({user.id for user in users}) == 1


async def test_names_are_not_patterns(people: People) -> None:
    await people.register("a.c")
    assert await people.find("abc") is None
    assert await people.find("%") is None


async def test_sqlite_keeps_users_in_its_file(tmp_path: Path) -> None:
    path = str(tmp_path / "users.db")
    one = SqlitePeople(path)
    user = await one.register("kept")
    await one.close()
    two = SqlitePeople(path)
    assert await two.find("kept") == user
    await two.close()


def test_a_database_that_cannot_be_opened_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="USERS_DB"):
        SqlitePeople(str(tmp_path / "missing" / "users.db"))
    with pytest.raises(SettingError, match="MONGO_DB_URL"):
        MongoPeople("http://not-mongo")


async def test_a_mongodb_that_is_away_is_a_problem_and_not_ready() -> None:
    people = MongoPeople(unused_address().replace("http", "mongodb") + "/mall")
    assert not await people.answers()
    with pytest.raises(Problem) as caught:
        await people.find("jason")
    assert caught.value.status == 503
    await people.close()


def test_the_service_runs_on_a_mongodb(start: Start, mongodb: str) -> None:
    users = start("users", MONGO_DB_URL=f"{mongodb}/service")
    until(lambda: users.get("/healthz/ready").status == 200)
    assert users.get("/users?name=jason").json["name"] == "jason"
    assert users.ask("POST", "/users", {"name": "new"}).json == users.ask("POST", "/users", {"name": "new"}).json

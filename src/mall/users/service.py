"""`GET /users?name=N` and `POST /users`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from mall.catalog.models import NewUser, User
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.openapi import Operation, Parameter
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.settings import Settings
from mall.users.people import People, valid_name
from mall.users.sqlite import SqlitePeople, place


def _open(settings: Settings) -> People:
    if url := settings.environ.get("MONGO_DB_URL"):
        from mall.users.mongo import MongoPeople  # noqa: PLC0415 - importing it takes a third of a second

        return MongoPeople(url)
    return SqlitePeople(place(settings.environ.get("USERS_DB", "")))


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """The users service; ready when its database answers."""
    people = _open(settings)
    new_user = msgspec.json.Decoder(NewUser)

    async def find(request: Request) -> Answer:
        name = valid_name(request.parameter("name"), status=400)
        user = await people.find(name)
        if user is None:
            raise Problem(404, f"there is no user {name!r}")
        return json_answer(user)

    async def register(request: Request) -> Answer:
        body = request.json(new_user)
        return json_answer(await people.register(valid_name(body.name, status=422)), 201)

    operations = {
        ("GET", "/users"): Operation(
            find,
            "The user of this name",
            answer=User,
            parameters=(Parameter("name", "1-64 characters after trimming"),),
            problems=(400, 404, 503),
        ),
        ("POST", "/users"): Operation(
            register,
            "The user of this name, created if necessary",
            answer=User,
            status=201,
            body=NewUser,
            problems=(400, 413, 422, 503),
        ),
    }
    try:
        yield App(settings, operations, ready=people.answers)
    finally:
        await people.close()

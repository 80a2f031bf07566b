"""The front end's API: `/api/mall`, `/api/users`, `/api/recommends`, `/api/products`, and the pages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import TypeVar
from urllib.parse import quote

import msgspec

from mall.catalog.models import AreaError, Discount, Mall, NewUser, Recommend, User, UserAnswer
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.client import Client
from mall.kit.openapi import Operation, Parameter
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.settings import Settings
from mall.mall.files import Files

T = TypeVar("T")
COOKIE_SECONDS = 30 * 24 * 3600


class Front:
    """Collects the page's three areas. With CONCURRENCY (v2) concurrently, otherwise one after the other."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._client = client
        self._concurrent = settings.flag("CONCURRENCY")
        self._users_url = f"{settings.upstream('users')}/users"
        self._recommend_url = f"{settings.upstream('recommend')}/recommend"
        self._discount_url = f"{settings.upstream('discount')}/discount"
        self._user = msgspec.json.Decoder(User)
        self._recommend = msgspec.json.Decoder(Recommend)
        self._discount = msgspec.json.Decoder(Discount)
        self._new_user = msgspec.json.Decoder(NewUser)

    async def mall(self, request: Request) -> Answer:
        errors: list[AreaError] = []

        async def area(name: str, call: Awaitable[T]) -> T | None:
            try:
                return await call
            except Problem as problem:
                errors.append(AreaError(name, problem.status, problem.detail))
                return None

        user_call = area("user", self._who(request))
        recommend_call = area("recommend", self._recommended(request))
        discount_call = area("discount", self._discounted(request))
        if self._concurrent:
            user, recommend, discount = await asyncio.gather(user_call, recommend_call, discount_call)
        else:
            user = await user_call
            recommend = await recommend_call
            discount = await discount_call
        return json_answer(Mall(user, recommend, discount, errors))

    async def recommends(self, request: Request) -> Answer:
        return json_answer(await self._recommended(request))

    async def products(self, request: Request) -> Answer:
        return json_answer(await self._discounted(request))

    async def who_am_i(self, request: Request) -> Answer:
        return json_answer(UserAnswer(0, await self._who(request)))

    async def sign_in(self, request: Request) -> Answer:
        body = msgspec.json.encode(await request.json(self._new_user))
        user = await self._client.post("users", self._users_url, request.context, body, self._user)
        cookie = _cookie(quote(user.name, safe=""), COOKIE_SECONDS)
        return json_answer(UserAnswer(0, user), 200, ((b"set-cookie", cookie),))

    async def sign_out(self, _: Request) -> Answer:
        return Answer(b"", 204, headers=((b"set-cookie", _cookie("", 0)),))

    async def _who(self, request: Request) -> User | None:
        name = (request.cookie("user") or "").strip()
        if not name:
            return None
        url = f"{self._users_url}?name={quote(name, safe='')}"
        try:
            return await self._client.get("users", url, request.context, self._user)
        except Problem as problem:
            if problem.status in (400, 404):
                return None
            raise

    async def _recommended(self, request: Request) -> Recommend:
        return await self._client.get("recommend", self._recommend_url, request.context, self._recommend)

    async def _discounted(self, request: Request) -> Discount:
        return await self._client.get("discount", self._discount_url, request.context, self._discount)


def _cookie(value: str, seconds: int) -> bytes:
    cookie: SimpleCookie = SimpleCookie()
    cookie["user"] = value
    cookie["user"].update({"path": "/", "samesite": "Lax", "max-age": str(seconds)})
    return cookie["user"].OutputString().encode("latin-1")


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """The mall service."""
    client = Client(settings)
    front = Front(settings, client)
    who = (Parameter("user", "the signed-in user", "cookie", required=False),)
    failing = (502, 503, 504)
    operations = {
        ("GET", "/api/mall"): Operation(
            front.mall, "Everything the page shows; an area whose service failed is null", answer=Mall, parameters=who
        ),
        ("GET", "/api/recommends"): Operation(
            front.recommends, "The recommended products", answer=Recommend, parameters=who, problems=failing
        ),
        ("GET", "/api/products"): Operation(
            front.products, "The discounted products", answer=Discount, parameters=who, problems=failing
        ),
        ("GET", "/api/users"): Operation(
            front.who_am_i, "Who am I", answer=UserAnswer, parameters=who, problems=failing
        ),
        ("POST", "/api/users"): Operation(
            front.sign_in,
            "Register or sign in; sets the cookie `user`",
            answer=UserAnswer,
            body=NewUser,
            problems=(400, 413, 422, *failing),
        ),
        ("DELETE", "/api/users"): Operation(
            front.sign_out, "Sign out; deletes the cookie `user`", status=204, parameters=who
        ),
    }
    try:
        yield App(settings, operations, fallback=Files().get)
    finally:
        await client.close()

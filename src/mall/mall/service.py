"""The front end's API: `/api/mall`, `/api/users`, `/api/recommends`, `/api/products`, `/api/product`, and the pages."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from typing import TypeVar
from urllib.parse import quote

import msgspec

from mall.catalog.models import AreaError, Discount, Mall, NewUser, Product, Recommend, User, UserAnswer
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.client.call import Call
from mall.kit.client.client import Client
from mall.kit.openapi import Operation, Parameter
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.settings import Settings
from mall.mall.files import Files

T = TypeVar("T")
LONGEST_ID = 18
COOKIE_SECONDS = 30 * 24 * 3600


class Front:
    """Collects the page's three areas. With CONCURRENCY (v2) concurrently, otherwise one after the other."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._concurrent = settings.flag("CONCURRENCY")
        self._users = client.upstream("users")
        self._recommend = client.upstream("recommend")
        self._discount = client.upstream("discount")
        self._products = client.upstream("products")
        self._products_decoder = msgspec.json.Decoder(list[Product])
        self._user_decoder = msgspec.json.Decoder(User)
        self._recommend_decoder = msgspec.json.Decoder(Recommend)
        self._discount_decoder = msgspec.json.Decoder(Discount)
        self._new_user_decoder = msgspec.json.Decoder(NewUser)

    async def mall(self, request: Request) -> Answer:
        errors: list[AreaError] = []

        async def area(name: str, answer: Awaitable[T]) -> T | None:
            try:
                return await answer
            except Problem as problem:
                errors.append(AreaError(name, problem.status, problem.detail))
                return None

        if self._concurrent:
            # A call is on its way as soon as it exists, so all three are before the first is awaited.
            user_call = self._user_call(request)
            recommend_call = self._recommend_call(request)
            discount_call = self._discount_call(request)
            user = await area("user", _who(user_call))
            recommend = await area("recommend", recommend_call)
            discount = await area("discount", discount_call)
        else:
            user = await area("user", _who(self._user_call(request)))
            recommend = await area("recommend", self._recommend_call(request))
            discount = await area("discount", self._discount_call(request))
        return json_answer(Mall(user, recommend, discount, errors))

    async def recommends(self, request: Request) -> Answer:
        return json_answer(await self._recommend_call(request))

    async def products(self, request: Request) -> Answer:
        return json_answer(await self._discount_call(request))

    async def product(self, request: Request) -> Answer:
        text = request.parameter("id") or ""
        if not (text.isascii() and text.isdigit()) or len(text) > LONGEST_ID:
            raise Problem(400, f"id: {text[:40]!r} is not a product's number; for example id=7", parameter="id")
        found = await self._products.get(f"/products?ids={text}", request.context, self._products_decoder)
        if not found:
            raise Problem(404, f"there is no product {text}")
        return json_answer(found[0])

    async def who_am_i(self, request: Request) -> Answer:
        return json_answer(UserAnswer(0, await _who(self._user_call(request))))

    async def sign_in(self, request: Request) -> Answer:
        body = msgspec.json.encode(request.json(self._new_user_decoder))
        user = await self._users.post("/users", request.context, body, self._user_decoder)
        cookie = _cookie(quote(user.name, safe=""), COOKIE_SECONDS)
        return json_answer(UserAnswer(0, user), 200, ((b"set-cookie", cookie),))

    async def sign_out(self, _: Request) -> Answer:
        return Answer(b"", 204, headers=((b"set-cookie", _cookie("", 0)),))

    def _user_call(self, request: Request) -> Call[User] | None:
        name = (request.cookie("user") or "").strip()
        if not name:
            return None
        return self._users.get(f"/users?name={quote(name, safe='')}", request.context, self._user_decoder)

    def _recommend_call(self, request: Request) -> Call[Recommend]:
        return self._recommend.get("/recommend", request.context, self._recommend_decoder)

    def _discount_call(self, request: Request) -> Call[Discount]:
        return self._discount.get("/discount", request.context, self._discount_decoder)


async def _who(call: Call[User] | None) -> User | None:
    """The user of the cookie; None without a cookie, and when there is no such user."""
    if call is None:
        return None
    try:
        return await call
    except Problem as problem:
        if problem.status in (400, 404):
            return None
        raise


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
        ("GET", "/api/product"): Operation(
            front.product,
            "One product",
            answer=Product,
            parameters=(Parameter("id", "the product's number"), *who),
            problems=(400, 404, *failing),
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

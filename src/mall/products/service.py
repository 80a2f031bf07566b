"""`GET /products?ids=1,2`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from mall.catalog.goods import GOODS
from mall.catalog.models import Counts, Product
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.client import Client, Context
from mall.kit.ids import IDS, ids_of
from mall.kit.openapi import Operation
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.settings import Settings


class Products:
    """Sales and stock are required: the request fails when one of them does. Favorites are optional."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._client = client
        self._counts = msgspec.json.Decoder(Counts)
        self._urls = {name: f"{settings.upstream(name)}/{name}" for name in ("sales", "stock", "favorites")}
        self._with_favorites = settings.flag("FAVORITES")

    async def get(self, request: Request) -> Answer:
        ids = [number for number in ids_of(request) if number in GOODS]
        if not ids:
            return json_answer([])
        query = ",".join(map(str, dict.fromkeys(ids)))
        context = request.context
        calls = [self._count("sales", query, context), self._count("stock", query, context)]
        if self._with_favorites:
            calls.append(self._favorites(query, context))
        sales, stock, *more = await asyncio.gather(*calls)
        favorites = more[0] if more else {}
        return json_answer([_product(number, sales, stock, favorites) for number in ids])

    async def _count(self, service: str, ids: str, context: Context) -> Counts:
        return await self._client.get(service, f"{self._urls[service]}?ids={ids}", context, self._counts)

    async def _favorites(self, ids: str, context: Context) -> Counts:
        try:
            return await self._count("favorites", ids, context)
        except Problem:
            return {}


def _product(number: int, sales: Counts, stock: Counts, favorites: Mapping[str, int]) -> Product:
    good = GOODS[number]
    key = str(number)
    if key not in sales or key not in stock:
        missing = "sales" if key not in sales else "stock"
        raise Problem(502, f"{missing} does not know product {number}", upstream=missing)
    return Product(
        id=number,
        title=good.title,
        image=good.image,
        price=good.price,
        sales=sales[key],
        stock=stock[key],
        favorites=favorites.get(key),
    )


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """The products service."""
    client = Client(settings)
    products = Products(settings, client)
    operation = Operation(
        products.get,
        "Products in the order requested; unknown ids are omitted",
        answer=list[Product],
        parameters=(IDS,),
        problems=(400, 502, 503, 504),
    )
    try:
        yield App(settings, {("GET", "/products"): operation})
    finally:
        await client.close()

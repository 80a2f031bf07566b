"""`GET /products?ids=1,2`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import msgspec

from mall.catalog.goods import GOODS
from mall.catalog.models import Counts, Product
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.client.client import Client
from mall.kit.ids import IDS, ids_of
from mall.kit.openapi import Operation
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.settings import Settings


class Products:
    """Sales and stock are required: the request fails when one of them does. Favorites are optional."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._counts = msgspec.json.Decoder(Counts)
        self._sales = client.upstream("sales")
        self._stock = client.upstream("stock")
        self._favorites = client.upstream("favorites") if settings.flag("FAVORITES") else None

    async def get(self, request: Request) -> Answer:
        ids = [number for number in ids_of(request) if number in GOODS]
        if not ids:
            return json_answer([])
        query = f"?ids={','.join(map(str, dict.fromkeys(ids)))}"
        context = request.context
        # All calls are under way before the first answer is awaited.
        sales_call = self._sales.get(f"/sales{query}", context, self._counts)
        stock_call = self._stock.get(f"/stock{query}", context, self._counts)
        favorites: Counts = {}
        if self._favorites is not None:
            favorites_call = self._favorites.get(f"/favorites{query}", context, self._counts)
            with suppress(Problem):
                favorites = await favorites_call
        sales, stock = await sales_call, await stock_call
        return json_answer([_product(number, sales, stock, favorites) for number in ids])


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

"""`GET /discount`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from mall.catalog.goods import DISCOUNTED
from mall.catalog.models import Discount, Product
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.client.client import Client
from mall.kit.openapi import Operation
from mall.kit.request import Request
from mall.kit.settings import Settings


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """The discount service."""
    client = Client(settings)
    decoder = msgspec.json.Decoder(list[Product])
    products = client.upstream("products")
    target = f"/products?ids={','.join(map(str, DISCOUNTED))}"
    banner = settings.flag("BANNER")

    async def discount(request: Request) -> Answer:
        return json_answer(Discount(await products.get(target, request.context, decoder), banner))

    operation = Operation(discount, "The discounted products", answer=Discount, problems=(502, 503, 504))
    try:
        yield App(settings, {("GET", "/discount"): operation})
    finally:
        await client.close()

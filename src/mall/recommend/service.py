"""`GET /recommend`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from mall.catalog.models import Counts, Product, Recommend, ScoredProduct
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.client.client import Client
from mall.kit.openapi import Operation, Parameter
from mall.kit.problem import Problem
from mall.kit.request import Request
from mall.kit.settings import Settings
from mall.recommend.choice import choose


def ranked(products: list[Product], scores: Counts) -> list[ScoredProduct]:
    """The products with their scores, best first; equal scores by id. Raises Problem when one has none."""
    scored = []
    for product in products:
        score = scores.get(str(product.id))
        if score is None:
            raise Problem(502, f"scores does not know product {product.id}", upstream="scores")
        scored.append(
            ScoredProduct(
                product.id,
                product.title,
                product.image,
                product.price,
                product.sales,
                product.stock,
                score,
                product.favorites,
            )
        )
    return sorted(scored, key=lambda product: (-product.score, product.id))


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """The recommend service."""
    client = Client(settings)
    products_decoder = msgspec.json.Decoder(list[Product])
    scores_decoder = msgspec.json.Decoder(Counts)
    products_service = client.upstream("products")
    scores_service = client.upstream("scores")
    banner = settings.flag("BANNER")

    async def recommend(request: Request) -> Answer:
        ids = ",".join(map(str, choose(request.cookie("user") or "")))
        # Both calls are under way before the first answer is awaited.
        products = products_service.get(f"/products?ids={ids}", request.context, products_decoder)
        scores = scores_service.get(f"/scores?ids={ids}", request.context, scores_decoder)
        return json_answer(Recommend(ranked(await products, await scores), banner))

    operation = Operation(
        recommend,
        "Six products for the user, best score first",
        answer=Recommend,
        parameters=(Parameter("user", "the signed-in user", "cookie", required=False),),
        problems=(502, 503, 504),
    )
    try:
        yield App(settings, {("GET", "/recommend"): operation})
    finally:
        await client.close()

"""The four services that return one number per product: scores, sales, stock, favorites."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mall.catalog.goods import GOODS, Good
from mall.catalog.models import Counts
from mall.kit.answer import Answer, json_answer
from mall.kit.app import App
from mall.kit.ids import IDS, ids_of
from mall.kit.openapi import Operation
from mall.kit.request import Request
from mall.kit.serve import Build
from mall.kit.settings import Settings


def counting(value: Callable[[Good, Settings], int], summary: str) -> Build:
    """A service that answers `GET /<its name>?ids=1,2` with `{"1": n, "2": n}`; unknown ids are omitted."""

    @asynccontextmanager
    async def build(settings: Settings) -> AsyncIterator[App]:
        counts = {number: value(good, settings) for number, good in GOODS.items()}

        async def handler(request: Request) -> Answer:
            return json_answer({str(number): counts[number] for number in ids_of(request) if number in counts})

        path = f"/{settings.service}"
        yield App(
            settings,
            {("GET", path): Operation(handler, summary, answer=Counts, parameters=(IDS,), problems=(400,))},
        )

    return build

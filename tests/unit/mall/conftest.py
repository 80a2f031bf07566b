"""The mall's services as processes."""

from collections.abc import Iterator

import pytest

from tests.support.services import Service, Start, end, start_service


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts services that end with the test: `start("products", FAVORITES="true")`."""
    running: list[Service] = []

    def one(name: str, **environ: str) -> Service:
        service = start_service(name, environ)
        running.append(service)
        return service

    yield one
    for service in running:
        end(service)

"""What it takes to work out and to encode a whole configuration, by its size: `python -m bench.compile`.

A world of N services, each with a VirtualService, a DestinationRule and four pods. Milliseconds of processor time,
medians of five.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.mesh.objects import body, cookie, pod, rule, service, to
from tests.mesh.routing.test_compile import typed

from mesh.envoy.resources import Encoder
from mesh.resources.meta import Resource
from mesh.routing.compile import compile  # noqa: A004 - what it does
from mesh.routing.world import MeshSettings, World

SIZES = (125, 250, 500)


def objects(services: int) -> list[Resource]:
    """The world's objects, typed."""
    raws: list[dict[str, Any]] = []
    subsets = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]
    for number in range(services):
        name = f"s{number}"
        routes = (to(f"{name}:v2", match=[cookie("fox")]), to(f"{name}:v1"))
        raws += [service(name), rule(name, name, *routes), body("DestinationRule", name, host=name, subsets=subsets)]
        for each in range(4):
            address = f"127.1.{number // 250 * 4 + each}.{number % 250 + 1}"
            raws.append(pod(f"{name}-{each}", address, app=name, version=f"v{each % 2 + 1}"))
    return [typed(raw, number % 60) for number, raw in enumerate(raws)]


def median(work: Callable[[], object]) -> float:
    """Milliseconds of one run."""
    taken = []
    for _ in range(5):
        begun = time.process_time()
        work()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def main() -> None:
    table = Table("services", "objects", "compile", "encode all", "encode after no change")
    for size in SIZES:
        held = objects(size)
        world = World.build(1, held)
        snapshot = compile(world, MeshSettings())
        encoder = Encoder()
        encoder.encode(snapshot)
        figures = (
            median(lambda world=world: compile(world, MeshSettings())),  # type: ignore[misc]
            median(lambda snapshot=snapshot: Encoder().encode(snapshot)),  # type: ignore[misc]
            median(lambda world=world, encoder=encoder: encoder.encode(compile(world, MeshSettings()))),  # type: ignore[misc]
        )
        table.add_row(str(size), str(len(held)), *(f"{figure:.0f} ms" for figure in figures))
    Console().print(table)


if __name__ == "__main__":
    main()

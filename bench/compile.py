"""The time to compile and encode a complete configuration, by its size: `python -m bench.compile`.

A world of N services, each with a VirtualService, a DestinationRule and four pods: from scratch, and after a change
of one rule or one pod. Milliseconds of CPU time, medians.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.support.objects import body, cookie, pod, rule, service, to
from tests.support.worlds import typed

from bench.plot import plot
from mesh.envoy.xds.resources import Encoder
from mesh.resources.values.meta import Resource
from mesh.routing.compile import compile  # noqa: A004 - what it does
from mesh.routing.memory import Memory
from mesh.routing.world import MeshSettings, World

SIZES = (125, 250, 500)
CHANGES = 11
CHART = (200, 400, 600, 800, 1000)
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "compile.svg"


def objects(services: int) -> list[Resource]:
    """The world's objects, typed."""
    raws: list[dict[str, Any]] = []
    subsets = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]
    for number in range(services):
        name = f"s{number}"
        routes = (to(f"{name}:v2", match=[cookie("fox")]), to(f"{name}:v1"))
        raws += [service(name), rule(name, name, *routes), body("DestinationRule", name, host=name, subsets=subsets)]
        for item in range(4):
            address = f"127.1.{number // 250 * 4 + item}.{number % 250 + 1}"
            raws.append(pod(f"{name}-{item}", address, app=name, version=f"v{item % 2 + 1}"))
    return [typed(raw, number % 60) for number, raw in enumerate(raws)]


def median(work: Callable[[], object]) -> float:
    """Milliseconds of one run."""
    taken = []
    for _ in range(5):
        begun = time.process_time()
        work()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def a_rule(number: int) -> Resource:
    return typed(rule("s7", "s7", to(f"s7:v{number % 2 + 1}")), 30)


def a_pod(number: int) -> Resource:
    return typed(pod("s7-0", "127.1.0.8", ready=number % 2 == 0, app="s7", version="v1"), 30)


def changed(held: Sequence[Resource], change: Callable[[int], Resource]) -> tuple[float, float]:
    """Milliseconds to compile and encode the difference after a change of one object, as the daemon does it."""
    memory, pods, encoder = Memory(), Memory(), Encoder()
    first = change(0)
    named = (first.kind, first.metadata.name)
    others = [item for item in held if (item.kind, item.metadata.name) != named]
    compiling, encoding = [], []
    for number in range(2 + CHANGES):
        world = World.build(number, [*others, change(number)], pods)
        begun = time.process_time()
        snapshot = compile(world, MeshSettings(), memory)
        between = time.process_time()
        encoder.encode(snapshot)
        if number > 1:
            compiling.append((between - begun) * 1000)
            encoding.append((time.process_time() - between) * 1000)
    return statistics.median(compiling), statistics.median(encoding)


def main() -> None:
    table = Table(
        "services", "objects", "compile", "encode", "one rule: compile", "encode", "one pod: compile", "encode"
    )
    for size in SIZES:
        held = objects(size)
        world = World.build(1, held)
        snapshot = compile(world, MeshSettings())
        figures = (
            median(lambda world=world: compile(world, MeshSettings())),  # type: ignore[misc]
            median(lambda snapshot=snapshot: Encoder().encode(snapshot)),  # type: ignore[misc]
            *changed(held, a_rule),
            *changed(held, a_pod),
        )
        table.add_row(str(size), str(len(held)), *(f"{figure:.1f} ms" for figure in figures))
    Console().print(table)
    picture()


def picture() -> None:
    """The chart of the docs: milliseconds by the number of services, which should grow as the number does."""
    series: dict[str, list[float]] = {"work out": [], "work out and encode": []}
    for size in CHART:
        world = World.build(1, objects(size))
        snapshot = compile(world, MeshSettings())
        worked_out = median(lambda world=world: compile(world, MeshSettings()))  # type: ignore[misc]
        encoded = median(lambda snapshot=snapshot: Encoder().encode(snapshot))  # type: ignore[misc]
        series["work out"].append(worked_out)
        series["work out and encode"].append(worked_out + encoded)
    plot(PICTURE, "A whole configuration (ms of processor time)", CHART, series, zero=True, counted="services")


if __name__ == "__main__":
    main()

"""`meshmall top`: a live table of services: requests, errors, times, processor, memory."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable

from rich.live import Live
from rich.table import Table

from mesh.client.api import ApiError, Client
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from meshmall.cli.context import Context

HEADER = ("SERVICE", "PODS", "REQ/S", "ERRORS", "P50", "P99", "CPU", "MEMORY")
SIZES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def show_top(context: Context, *, window: float, every: float, once: bool, branch: str, output: str) -> None:
    """Prints the table, again and again until Ctrl-C on a terminal; once into a pipe. Raises Failure."""
    if output not in ("text", "json"):
        raise Failure(f"-o {output}: known are text, json", code=2)
    try:
        rows = look(context.client, window, branch)
        if output == "json":
            context.view.plain(json.dumps(rows, indent=2))
        elif once or not context.view.out.is_terminal:
            context.view.columns(HEADER, [_cells(row) for row in rows])
        else:
            with Live(_table(rows), console=context.view.out, screen=True, auto_refresh=False) as live:
                while True:
                    time.sleep(every)
                    live.update(_table(look(context.client, window, branch)), refresh=True)
    except ApiError as error:
        raise Failure(error.message) from None


def look(client: Client, window: float, branch: str) -> list[Body]:
    """A row a service: rates a second, milliseconds, CPU cores, bytes; None where nothing is known."""
    seen = client.topology(window, branch)
    cpu, memory = _usage(client)
    rows = []
    for service in seen["services"]:
        if service["kind"] == "gateway":
            continue
        names = [each["workload"] for each in service["versions"]]
        rows.append(
            {
                "service": service["id"],
                "ready": sum(each["ready"] for each in service["versions"]),
                "pods": sum(each["pods"] for each in service["versions"]),
                **{name: service[name] for name in ("rate", "requests", "errorShare", "p50", "p99")},
                "cpu": sum(cpu[service["namespace"], name] for name in names) if names else None,
                "memory": sum(memory[service["namespace"], name] for name in names) if names else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["rate"], row["service"]))


def _usage(client: Client) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """CPU cores and bytes of memory, by namespace and Deployment."""
    cpu: dict[tuple[str, str], float] = defaultdict(float)
    memory: dict[tuple[str, str], float] = defaultdict(float)
    for pod in client.pod_metrics():
        metadata = pod["metadata"]
        key = metadata["namespace"], metadata["name"].rpartition("-")[0].rpartition("-")[0]
        for container in pod["containers"]:
            cpu[key] += int(container["usage"]["cpu"].removesuffix("n")) / 1e9
            number, unit = container["usage"]["memory"][:-2], container["usage"]["memory"][-2:]
            memory[key] += int(number) * SIZES[unit]
    return cpu, memory


def _table(rows: Iterable[Body]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for number, name in enumerate(HEADER):
        table.add_column(name, justify="left" if number == 0 else "right", no_wrap=True)
    for row in rows:
        style = "red" if row["errorShare"] else "" if row["rate"] else "dim"
        table.add_row(*_cells(row), style=style)
    return table


def _cells(row: Body) -> list[str]:
    return [
        row["service"],
        f"{row['ready']}/{row['pods']}",
        f"{row['rate']:.1f}",
        f"{row['errorShare']:.1%}" if row["requests"] else "-",
        _or_dash(row["p50"], "{:.1f} ms"),
        _or_dash(row["p99"], "{:.1f} ms"),
        "-" if row["cpu"] is None else f"{row['cpu'] * 1000:.0f}m",
        "-" if row["memory"] is None else f"{row['memory'] / (1 << 20):.0f}Mi",
    ]


def _or_dash(value: float | None, shape: str) -> str:
    return "-" if value is None else shape.format(value)

"""`meshmall top`: a live table of services: requests, errors, latency, CPU, memory."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable

from rich.live import Live
from rich.table import Table

from mesh.client.api import Client
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from meshmall.cli.branch.wait import existing
from meshmall.cli.context import Context
from meshmall.cli.options import require_output

# What --branch calls the requests of no branch.
BASELINE = "-"
HEADER = ("SERVICE", "PODS", "REQ/S", "ERRORS", "P50", "P99", "CPU", "MEMORY")
SIZES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def show_top(
    context: Context, namespace: str | None, *, window: float, every: float, once: bool, branch: str, output: str
) -> None:
    """Prints the table: on a terminal again and again until Ctrl-C, into a pipe once. Raises Failure."""
    require_output(output, "text", "json")
    if branch not in ("", BASELINE):
        branch = existing(context, branch)
    try:
        rows = service_rows(context.client, window, branch, namespace)
        if output == "json":
            context.view.plain(json.dumps(rows, indent=2))
        elif once or not context.view.is_terminal:
            context.view.columns(HEADER, [_cells(row) for row in rows])
        else:
            with Live(_table(rows), console=context.view.out, screen=True, auto_refresh=False) as live:
                while True:
                    time.sleep(every)
                    live.update(_table(service_rows(context.client, window, branch, namespace)), refresh=True)
    except ApiError as error:
        raise Failure(error.message) from None


def service_rows(client: Client, window: float, branch: str, namespace: str | None) -> list[Body]:
    """A row per service: requests per second, milliseconds, CPU cores, bytes; None where unknown.

    `namespace` limits the rows to one namespace.
    """
    topology = client.topology(window, branch)
    cpu, memory = _usage(client)
    rows = []
    for service in topology["services"]:
        if service["kind"] == "gateway" or (namespace and service["namespace"] != namespace):
            continue
        names = [version["workload"] for version in service["versions"]]
        rows.append(
            {
                "service": service["id"],
                "ready": sum(version["ready"] for version in service["versions"]),
                "pods": sum(version["pods"] for version in service["versions"]),
                **{name: service[name] for name in ("rate", "requests", "errorShare", "p50", "p99")},
                "cpu": sum(cpu[service["namespace"], name] for name in names) if names else None,
                "memory": sum(memory[service["namespace"], name] for name in names) if names else None,
            }
        )
    return sorted(rows, key=lambda row: (-row["rate"], row["service"]))


def _usage(client: Client) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """CPU cores and bytes of memory, by (namespace, Deployment)."""
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

"""`meshmall top`: a row per service, from the topology and from what the pods use."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from mesh.client.api import Client
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.top import service_rows, show_top
from tests.support.commands import FakeClient, context_with


def service(name: str, rate: float, *workloads: str, namespace: str = "mesh", kind: str = "service") -> dict[str, Any]:
    figures = {"rate": rate, "requests": int(rate * 10), "errorShare": 0.25 if rate else 0.0}
    quantiles = {"p50": 1.5 if rate else None, "p99": 20.25 if rate else None}
    versions = [{"workload": workload, "ready": 1, "pods": 2} for workload in workloads]
    names = {"id": f"{namespace}/{name}", "namespace": namespace, "kind": kind}
    return {**names, **figures, **quantiles, "versions": versions}


def usage(pod: str, cpu: str, memory: str, namespace: str = "mesh") -> dict[str, Any]:
    return {
        "metadata": {"name": pod, "namespace": namespace},
        "containers": [{"usage": {"cpu": cpu, "memory": memory}}],
    }


SERVICES = [
    service("gateway", 9.0, kind="gateway"),
    service("stock", 0.0, "stock-v1"),
    service("mall", 2.0, "mall-v1", "mall-fox"),
    service("idle", 0.0),
    service("mall", 5.0, "mall-v1", namespace="other"),
]
PODS = [
    usage("mall-v1-5f7d-abcde", "250000000n", "2048Ki"),
    usage("mall-fox-66aa-fghij", "50000000n", "3Mi"),
    usage("mall-v1-5f7d-klmno", "1000000000n", "1Gi", "other"),
]


def client() -> FakeClient:
    return FakeClient(answers={"topology": lambda window, branch: {"services": SERVICES}, "pod_metrics": PODS})


def test_the_busiest_service_is_first_and_usage_is_that_of_its_own_workloads() -> None:
    rows = service_rows(cast(Client, client()), 10, "", None)
    assert [row["service"] for row in rows] == ["other/mall", "mesh/mall", "mesh/idle", "mesh/stock"]
    other, mall, idle, stock = rows
    assert (other["cpu"], other["memory"]) == (1.0, 1 << 30)
    assert (round(mall["cpu"], 3), mall["memory"], mall["ready"], mall["pods"]) == (0.3, 5 << 20, 2, 4)
    assert (idle["cpu"], stock["cpu"]) == (None, 0.0)


def test_what_is_unknown_is_a_dash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show_top(context_with(client(), tmp_path), "mesh", window=10, every=1, once=True, branch="", output="text")
    header, mall, idle, stock = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert header[:3] == ["SERVICE", "PODS", "REQ/S"]
    assert mall == ["mesh/mall", "2/4", "2.0", "25.0%", "1.5", "ms", "20.2", "ms", "300m", "5Mi"]
    assert idle == ["mesh/idle", "0/0", "0.0", "-", "-", "-", "-", "-"]
    assert stock == ["mesh/stock", "1/2", "0.0", "-", "-", "-", "0m", "0Mi"]


def test_json_is_for_programs_and_another_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = context_with(client(), tmp_path)
    show_top(context, None, window=10, every=1, once=True, branch="", output="json")
    assert len(json.loads(capsys.readouterr().out)) == 4
    with pytest.raises(Failure, match="-o xml: use text or json"):
        show_top(context, None, window=10, every=1, once=True, branch="", output="xml")


def test_an_error_of_the_api_is_a_failure(tmp_path: Path) -> None:
    def refuse(window: float, branch: str) -> Any:
        raise ApiError(404, "telemetry is off")

    with pytest.raises(Failure, match="telemetry is off"):
        show_top(
            context_with(FakeClient(answers={"topology": refuse}), tmp_path),
            None, window=10, every=1, once=True, branch="", output="text",
        )  # fmt: skip

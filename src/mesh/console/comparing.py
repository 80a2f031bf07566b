"""The console's `branch diff`: compares in a thread, and looks up in the telemetry which workloads answered."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem
from mesh.branches.compare import Ask, CannotCompare, Compared, Gateway, Got, answering, compare
from mesh.observe.requests import describe
from mesh.observe.telemetry import Telemetry

MOST_PATHS = 20
MOST_DIFFERENCES = 500
SPANS_LIMIT, POLL_EVERY = 2.0, 0.05


class Comparing:
    """Answers `POST /mesh/v1/diff` with `{"branch": str, "paths": [str]}`; only GET is sent."""

    def __init__(self, gateway: Gateway, telemetry: Telemetry) -> None:
        self._gateway = gateway
        self._telemetry = telemetry
        self._busy = asyncio.Semaphore(2)

    async def answer(self, request: Request) -> Reply:
        """Raises Problem (400, 502)."""
        body = await request.json_object()
        branch, paths = body.get("branch"), body.get("paths") or ["/"]
        if not isinstance(branch, str) or not branch:
            raise Problem(400, "branch is missing: it must be a branch's name")
        if not isinstance(paths, list) or not all(isinstance(path, str) and path.startswith("/") for path in paths):
            raise Problem(400, 'paths must be a list of paths, for example ["/", "/about"]')
        if len(paths) > MOST_PATHS:
            raise Problem(400, f"paths has {len(paths)} entries; at most {MOST_PATHS} are allowed")
        loop = asyncio.get_running_loop()

        def workloads(request_id: str) -> Mapping[str, str]:
            return asyncio.run_coroutine_threadsafe(self._workloads(request_id), loop).result()

        try:
            async with self._busy:
                comparisons = [
                    await asyncio.to_thread(compare, self._gateway, branch, path, Ask(), workloads) for path in paths
                ]
        except CannotCompare as error:
            raise Problem(502, error.message) from None
        return Reply({"items": [_body(compared) for compared in comparisons]})

    async def _workloads(self, request_id: str) -> Mapping[str, str]:
        """The workload that answered for each service; {} when Envoy has not reported the request in time."""
        deadline = time.monotonic() + SPANS_LIMIT
        while time.monotonic() < deadline:
            self._telemetry.catch_up()
            trace = self._telemetry.traces.get(request_id)
            answered = answering(describe(trace, lambda *_: {})) if trace is not None else None
            if answered is not None:
                return answered
            await asyncio.sleep(POLL_EVERY)
        return {}


def _body(compared: Compared) -> dict[str, Any]:
    return {
        "path": compared.path,
        "same": not compared.differences,
        "baseline": {**_answer(compared.baseline), "milliseconds": round(compared.baseline_milliseconds, 2)},
        "branch": _answer(compared.branch),
        "differences": [
            {"where": difference.what, "baseline": difference.baseline, "branch": difference.branch}
            for difference in compared.differences[:MOST_DIFFERENCES]
        ],
    }


def _answer(got: Got) -> dict[str, Any]:
    return {
        "status": got.status,
        "milliseconds": round(got.milliseconds, 2),
        "workloads": [{"service": name, "workload": workload} for name, workload in sorted(got.workloads.items())],
    }

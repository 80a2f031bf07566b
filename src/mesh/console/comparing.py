"""The page's `branch diff`: compares in a thread, asks the telemetry who answered."""

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
TOLD_LIMIT, LOOK_EVERY = 2.0, 0.05


class Comparing:
    """Answers `POST /mesh/v1/diff` with `{"branch": str, "paths": [str]}`; only GET is sent."""

    def __init__(self, gateway: Gateway, telemetry: Telemetry) -> None:
        self._gateway = gateway
        self._telemetry = telemetry
        self._busy = asyncio.Semaphore(2)

    async def answer(self, request: Request) -> Reply:
        """Raises Problem (400, 502)."""
        asked = await request.json_object()
        branch, paths = asked.get("branch"), asked.get("paths") or ["/"]
        if not isinstance(branch, str) or not branch:
            raise Problem(400, "branch: is missing; a branch's name")
        if not isinstance(paths, list) or not all(isinstance(each, str) and each.startswith("/") for each in paths):
            raise Problem(400, 'paths: is a list of paths as "/api/mall"')
        if len(paths) > MOST_PATHS:
            raise Problem(400, f"paths: {len(paths)} are more than {MOST_PATHS}")
        loop = asyncio.get_running_loop()

        def workloads(request_id: str) -> Mapping[str, str]:
            return asyncio.run_coroutine_threadsafe(self._workloads(request_id), loop).result()

        try:
            async with self._busy:
                found = [
                    await asyncio.to_thread(compare, self._gateway, branch, path, Ask(), workloads) for path in paths
                ]
        except CannotCompare as error:
            raise Problem(502, error.message) from None
        return Reply({"items": [_told(each) for each in found]})

    async def _workloads(self, request_id: str) -> Mapping[str, str]:
        """{} when Envoy has not told it in time."""
        deadline = time.monotonic() + TOLD_LIMIT
        while time.monotonic() < deadline:
            self._telemetry.catch_up()
            trace = self._telemetry.traces.get(request_id)
            found = answering(describe(trace, lambda *_: {})) if trace is not None else None
            if found is not None:
                return found
            await asyncio.sleep(LOOK_EVERY)
        return {}


def _told(compared: Compared) -> dict[str, Any]:
    return {
        "path": compared.path,
        "same": not compared.differences,
        "baseline": {**_answer(compared.baseline), "milliseconds": round(compared.baseline_milliseconds, 2)},
        "branch": _answer(compared.branch),
        "differences": [
            {"where": each.what, "baseline": each.baseline, "branch": each.branch}
            for each in compared.differences[:MOST_DIFFERENCES]
        ],
    }


def _answer(got: Got) -> dict[str, Any]:
    return {
        "status": got.status,
        "milliseconds": round(got.milliseconds, 2),
        "workloads": [{"service": name, "workload": workload} for name, workload in sorted(got.workloads.items())],
    }

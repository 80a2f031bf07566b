"""How a container is ended: the hook, SIGTERM, SIGKILL, and how long each may take."""

import asyncio
import signal
from typing import cast

import pytest

from mesh.pods.runtime.interface import Exit
from mesh.pods.streams.command_streams import NO_DESCRIPTORS
from mesh.pods.termination import pod_grace, probe_grace, terminate
from mesh.resources.core.pod import Pod, Probe
from mesh.resources.validation.manifest import validate

FOREVER = 3600.0


class FakeProcess:
    """Ends at SIGKILL, and at SIGTERM when it is `polite`; records what happens to it."""

    pid = 1
    descriptors = NO_DESCRIPTORS

    def __init__(self, history: list[str], *, polite: bool) -> None:
        self._history = history
        self._polite = polite
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        return not self._exit.done()

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            self._history.append(number.name)
            if self._polite or number == signal.SIGKILL:
                self._exit.set_result(Exit(128 + number, number))


def pod(grace: int | None) -> Pod:
    spec = {"containers": [{"name": "main", "image": "none", "command": ["true"]}]}
    if grace is not None:
        spec["terminationGracePeriodSeconds"] = grace  # type: ignore[assignment]
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    return cast(Pod, validate(body, "mesh").typed)


@pytest.mark.parametrize(
    ("pod_seconds", "probe_seconds", "expected"), [(None, None, 30.0), (7, None, 7.0), (7, 2, 2.0), (None, 2, 2.0)]
)
def test_a_probe_gives_its_own_grace_or_else_the_pods(
    pod_seconds: int | None, probe_seconds: int | None, expected: float
) -> None:
    assert probe_grace(Probe(termination_grace_period_seconds=probe_seconds), pod(pod_seconds)) == expected


def test_a_pods_grace_may_be_zero() -> None:
    assert pod_grace(pod(0)) == 0.0


async def test_a_process_that_heeds_sigterm_is_not_killed() -> None:
    history: list[str] = []
    await terminate(FakeProcess(history, polite=True), FOREVER, asyncio.Event(), None)
    assert history == ["SIGTERM"]


async def test_the_hook_runs_before_sigterm_and_is_given_the_grace() -> None:
    history: list[str] = []

    async def hook(limit: float) -> None:
        history.append(f"hook {limit:g}")

    await terminate(FakeProcess(history, polite=True), FOREVER, asyncio.Event(), hook)
    assert history == ["hook 3600", "SIGTERM"]


async def test_a_grace_of_zero_kills_without_hook_or_sigterm() -> None:
    history: list[str] = []

    async def hook(limit: float) -> None:
        history.append("hook")

    await terminate(FakeProcess(history, polite=False), 0.0, asyncio.Event(), hook)
    assert history == ["SIGKILL"]


@pytest.mark.parametrize("during_hook", [True, False])
async def test_a_hurried_end_cuts_short_the_hook_and_the_wait(during_hook: bool) -> None:
    history: list[str] = []
    hurry = asyncio.Event()

    async def hook(limit: float) -> None:
        if during_hook:
            hurry.set()
            await asyncio.sleep(FOREVER)

    process = FakeProcess(history, polite=False)
    ending = asyncio.create_task(terminate(process, FOREVER, hurry, hook))
    while not history:  # noqa: ASYNC110 - the list has no bell
        await asyncio.sleep(0)
    hurry.set()
    await ending
    assert history == ["SIGTERM", "SIGKILL"]
    assert (await process.wait()).code == 137

"""Runs a canary: step by step more requests, a judgement after each, and the former rules when it is bad."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.canary.judging import Limits, Observation, Verdict, judge, observation
from meshmall.cli.canary.rules import LEASE, Rules
from meshmall.cli.context import Context
from meshmall.cli.interrupts import Interrupted, postponed

# Seconds between two looks at what the mesh has seen. It counts in slices of 5 s, of which the one in which a step
# begins is left out: it has requests of before.
LOOK_EVERY = 1.0
SLICE = 5.0


@dataclass(frozen=True, slots=True)
class Steps:
    """How a canary goes on: `step` percent more each time, for at least `interval` seconds each, and at most
    `patience` seconds until there are enough requests."""

    step: int
    interval: float
    patience: float

    def weights(self) -> list[int]:
        """The shares, the last of which is all of it."""
        return [*range(self.step, 100, self.step), 100]


class Bad(Exception):
    """The version does not do well."""


def run(context: Context, service: str, version: str, replaced: str, steps: Steps, limits: Limits, output: str) -> None:
    """Gives a version all requests of a service, or none. Raises Failure when it was rolled back."""
    if not 1 <= steps.step <= 100:
        raise Failure(f"--step {steps.step}: use a whole number from 1 to 100 (percent)", code=2)
    if not context.settings.telemetry:
        raise Failure(
            "the mesh does not trace requests, so nothing is known of the version",
            "start it with: meshmall down; meshmall up --telemetry",
        )
    report: dict[str, Any] = {"service": service, "version": version, "steps": [], "result": "promoted", "reason": ""}
    rules = Rules(context, service, version, replaced)
    rules.begin()
    say = context.view.say if output == "text" else lambda _text="": None
    try:
        with rolled_back_unless_finished(context, rules):
            for weight in steps.weights():
                begun = time.monotonic()
                seen = _step(context, rules, weight, steps, limits)
                took = time.monotonic() - begun
                report["steps"].append(_figures(weight, seen, took))
                say(f"{weight:3} %   {version}: {seen.canary}   [dim]the others: {seen.others}; {took:.0f} s[/]")
            rules.end()
    except Failure as failure:
        report |= {"result": "rolled back", "reason": failure.message}
        if output == "json":
            context.view.plain(json.dumps(report, indent=2))
        raise
    if output == "json":
        context.view.plain(json.dumps(report, indent=2))
        return
    names = ", ".join(f"{item.kind} {item.namespace}/{item.name}" for item in rules.record.touched)
    say(f"[bold]{version}[/] has all requests of {service}; changed: {names}")
    say("[dim]write it into your manifests, or the next `meshmall apply` of them brings the former rules back[/]")


@contextmanager
def rolled_back_unless_finished(context: Context, rules: Rules) -> Iterator[None]:
    """Restores the rules when the body fails or is interrupted. When the mesh does not answer, its daemon does it."""
    service = rules.record.service
    try:
        yield
    except (KeyboardInterrupt, Failure, ApiError, Bad) as cause:
        with postponed():
            try:
                left = rules.restore()
            except (ApiError, Failure) as error:
                raise Failure(
                    f"{_reason(cause)}; {error.message}",
                    f"the mesh restores the rules of {service} by itself, at most {LEASE:g} s after it runs again",
                ) from None
        state = f"the rules of {service} are what they were before the canary"
        if left:
            state += f", except for {', '.join(left)}: changed by somebody else meanwhile, and left as it is"
        if isinstance(cause, KeyboardInterrupt):
            raise Interrupted(state) from None
        raise Failure(f"rolled back {rules.record.version}: {_reason(cause)}", state) from None


def _reason(cause: BaseException) -> str:
    if isinstance(cause, Failure | ApiError):
        return cause.message
    return str(cause) or "interrupted"


def _step(context: Context, rules: Rules, weight: int, steps: Steps, limits: Limits) -> Observation:
    """Gives the version a share, and watches until that is good. Raises Bad when it is not."""
    rules.give(weight)
    begun = time.monotonic()
    record, plan = rules.record, rules.plan
    doing = f"{weight} % to {record.version}"
    # A shorter window than a slice would have requests of before the step in it.
    time.sleep(SLICE)
    while True:
        time.sleep(LOOK_EVERY)
        elapsed = time.monotonic() - begun
        topology = context.client.topology(elapsed)
        seen = observation(topology, f"{record.namespace}/{record.service}", plan.label)
        verdict, why = judge(seen, limits, record.version)
        rules.extend(f"{doing}: {seen.canary}")
        if verdict is Verdict.BAD:
            raise Bad(f"at {weight} %, {why}")
        if verdict is Verdict.GOOD and elapsed >= steps.interval:
            return seen
        if verdict is Verdict.UNKNOWN and elapsed >= steps.patience:
            raise Bad(
                f"at {weight} %, {record.version} had {why} after {elapsed:.0f} s; send more requests "
                "(for the mall: meshmall load --rate 100 --seconds 300), or raise --timeout"
            )


def _figures(weight: int, seen: Observation, took: float) -> dict[str, Any]:
    canary, others = seen.canary, seen.others
    return {
        "weight": weight,
        "seconds": round(took, 1),
        "canary": {"requests": canary.requests, "errors": canary.errors, "p99": canary.p99},
        "others": {"requests": others.requests, "errors": others.errors, "p99": others.p99},
    }

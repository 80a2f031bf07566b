"""Whether a version does well, by what the mesh has seen of its requests. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.durations import seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """What a version must keep: errors in percent, the 99th percentile in milliseconds (None: any), and how many of
    its requests have to be seen before it is judged."""

    errors: float
    latency: float | None
    requests: int

    @classmethod
    def of(cls, errors: str, latency: str, requests: int) -> "Limits":
        """The limits that options give. Raises Failure that names the option."""
        try:
            share = float(errors.removesuffix("%"))
        except ValueError:
            share = -1.0
        if not 0 <= share < 100:
            raise Failure(f'--max-errors "{errors}": not a share of requests', "for example 1% or 0.5%", code=2)
        milliseconds: float | None = None
        if latency:
            milliseconds = duration("--max-latency", latency) * 1000
        if requests < 1:
            raise Failure(f"--min-requests {requests}: use a whole number from 1", code=2)
        return cls(share, milliseconds, requests)


@dataclass(frozen=True, slots=True)
class Seen:
    """The requests that a version has answered since a step began; `p99` in milliseconds, of the slowest caller."""

    requests: int = 0
    errors: int = 0
    p99: float | None = None

    @property
    def share(self) -> float:
        """Errors in percent."""
        return 100 * self.errors / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        count = "1 request" if self.requests == 1 else f"{self.requests} requests"
        text = f"{count}, {self.errors} failed ({self.share:.1f} %)"
        return f"{text}, p99 {self.p99:.1f} ms" if self.p99 is not None else text


@dataclass(frozen=True, slots=True)
class Observation:
    """One step so far. `unanswered` are failures of requests to the service that no pod has answered."""

    canary: Seen
    others: Seen
    unanswered: int
    ready: bool


class Verdict(Enum):
    """What follows from an observation."""

    GOOD = "good"
    BAD = "bad"
    # Too few requests to say anything.
    UNKNOWN = "unknown"


def duration(option: str, text: str) -> float:
    """Seconds of a duration such as 200ms. Raises Failure that names the option."""
    try:
        value = seconds(text)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise Failure(f'{option} "{text}": not a duration', "for example 10s or 200ms", code=2)
    return value


def observation(topology: Body, service: str, label: str) -> Observation:
    """What a graph of the requests (`mesh.observe.topology.graph`) says of a service's version; branches' own pods,
    and the requests that they answer, are left out."""
    edges = [edge for edge in topology["edges"] if edge["target"] == service and not edge["branch"]]
    versions: list[Body] = next((node["versions"] for node in topology["services"] if node["id"] == service), [])
    return Observation(
        _sum(edge for edge in edges if edge["targetWorkload"] and edge["version"] == label),
        _sum(edge for edge in edges if edge["targetWorkload"] and edge["version"] != label),
        sum(edge["errors"] for edge in edges if not edge["targetWorkload"]),
        any(version["ready"] for version in versions if version["version"] == label and not version["branch"]),
    )


def judge(seen: Observation, limits: Limits, version: str) -> tuple[Verdict, str]:
    """The verdict, with what speaks against the version.

    A failure without a pod counts against it: nobody else has changed. A percentage of a handful of requests says
    nothing, unless so many of them failed that more good ones could not make up for it.
    """
    if not seen.ready:
        return Verdict.BAD, f"no pod of {version} is ready"
    canary = seen.canary
    failed, total = canary.errors + seen.unanswered, canary.requests + seen.unanswered
    if failed * 100 > limits.errors * max(total, limits.requests):
        none = f", {seen.unanswered} of them without an answer from any pod" if seen.unanswered else ""
        return Verdict.BAD, (
            f"{failed} of {total} requests failed ({100 * failed / total:.1f} %{none}); "
            f"at most {limits.errors:g} % may (--max-errors)"
        )
    if canary.requests < limits.requests:
        return Verdict.UNKNOWN, (
            f"{canary.requests} of the {limits.requests} requests that a judgement needs (--min-requests)"
        )
    if limits.latency is not None and canary.p99 is not None and canary.p99 > limits.latency:
        return Verdict.BAD, f"its p99 is {canary.p99:.1f} ms; at most {limits.latency:g} ms (--max-latency)"
    return Verdict.GOOD, ""


def _sum(edges: Iterable[Body]) -> Seen:
    edges = list(edges)
    slowest = [edge["p99"] for edge in edges if edge["p99"] is not None]
    return Seen(
        sum(edge["requests"] for edge in edges), sum(edge["errors"] for edge in edges), max(slowest, default=None)
    )

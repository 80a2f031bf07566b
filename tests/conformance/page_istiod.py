"""The part of docs/conformance.md about what a real istiod says, from what is recorded of it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.conformance.istiod import validation
from tests.conformance.istiod.deviations import DEVIATIONS
from tests.conformance.istiod.recorded_worlds import recorded
from tests.conformance.istiod.worlds import KINDS

Json = dict[str, Any]
LONGEST_EXAMPLE = 90

HEAD = """
## What a real istiod says

`make referee-rules` builds istiod's own translation from its Go module (Go is needed besides python3 and make; minutes,
once), draws worlds and requests, lets a second Envoy run what istiod sends for them, in front of the same pods, and
compares status, workload, path, authority, headers, location and body with our Envoy, the interpreter and
`meshmall route`. A difference that this page does not list fails the command. `REQUESTS=` and `SEED=` choose how many
and which; `RECORD=1` renews the recorded answers, which are replayed by `tests/conformance/istiod` in every run of the
tests, without Go: against the interpreter and `meshmall route` all of them, against a real Envoy a sample, and all with
`make test-long`.
"""


def istiod() -> str:
    """What is recorded, what differs on purpose, and what only one of the two validations rejects."""
    return "\n".join((HEAD, *_worlds(), *_fields(), *_deviations(), *_validation()))


def _worlds() -> Iterator[str]:
    recording = recorded()
    yield f"Recorded: istiod of `istio.io/istio` {recording.istio}.\n"
    yield "| drawn | what is in such a world | worlds | requests |\n|---|---|---|---|"
    for name, kind in KINDS.items():
        worlds = [world for world, _ in recording.worlds if world.kind == name]
        requests = sum(len(world.requests) for world in worlds)
        yield f"| {name} | {kind.what} | {len(worlds)} | {requests} |"


def _fields() -> Iterator[str]:
    """The fields that occur in recorded worlds, all of whose requests are answered as by istiod."""
    fields: dict[str, set[str]] = defaultdict(set)
    for world, _ in recorded().worlds:
        for body in world.objects:
            fields[body["kind"]].update(_paths(body["spec"]))
    yield "\nFields that istiod has confirmed so, by kind:\n"
    for kind, paths in sorted(fields.items()):
        yield f"- {kind}: {', '.join(f'`{path}`' for path in sorted(paths))}"


def _paths(part: Any, path: str = "") -> Iterator[str]:
    """The paths of values, without the names that a user chooses (headers, labels)."""
    if isinstance(part, list):
        for item in part:
            yield from _paths(item, path)
    elif isinstance(part, dict):
        for name, value in part.items():
            chosen = path.rpartition(".")[2] in ("headers", "withoutHeaders", "queryParams", "set", "add")
            chosen = chosen or path.endswith(("sourceLabels", "matchLabels", "labels", "selector"))
            named = name in ("request", "response") and path.endswith("headers")
            yield from _paths(value, path if chosen and not named else f"{path}.{name}".removeprefix("."))
    elif path:
        yield path


def _deviations() -> Iterator[str]:
    yield "\n### Otherwise than istiod, on purpose\n"
    yield "| what | istiod | here | why |\n|---|---|---|---|"
    for deviation in DEVIATIONS:
        yield f"| {deviation.what} | {deviation.istiod} | {deviation.here} | {deviation.why} |"


def _validation() -> Iterator[str]:
    rows, known = validation.recorded(), validation.documented()
    rejected = sum(bool(row["error"]) for row in rows)
    errors = {row["name"]: row["error"] for row in rows}
    yield "\n### What only one of the two rejects\n"
    yield (
        f"{len(rows)} objects with one odd field each were judged by Istio's validation, which rejects {rejected}; "
        f"{len(rows) - len(known.keys() & errors.keys())} are judged the same here, as are Istio's own data sets "
        "(`make referee-rules` reads them from the module). The rest:\n"
    )
    yield "| here | why | for example |\n|---|---|---|"
    by_reason: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, reason in known.items():
        # Of Istio's own data sets the file's name says which it is.
        rejects = bool(errors[name]) if name in errors else "invalid" in name
        by_reason["accepted" if rejects else "rejected", reason].append(name)
    for (verdict, reason), names in sorted(by_reason.items()):
        example = names[0].replace("|", "\\|")
        example = example if len(example) <= LONGEST_EXAMPLE else f"{example[:LONGEST_EXAMPLE]}..."
        yield f"| {verdict} | {reason} | `{example}` |"

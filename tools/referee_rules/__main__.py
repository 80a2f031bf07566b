"""Compares drawn rules with a real istiod: `make referee-rules`.

Builds istiod's translation with Go, once, below ~/.cache/meshmall/referees (or $MESHMALL_REFEREES), draws worlds and
requests, and compares what an Envoy with istiod's configuration answers with our Envoy, the interpreter and
`meshmall route`; then Istio's validation with ours, on Istio's own data sets. Every difference that
docs/conformance.md does not list fails. Without Go it says so: the tests need the recorded answers alone.
"""

import argparse
import asyncio
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.istiod import recorded_worlds, validation
from tests.conformance.istiod.deviations import Deviation, deviation_of
from tests.conformance.istiod.judging import Difference, Istiod, Ours, Row
from tests.conformance.istiod.oracle import Oracle
from tests.conformance.istiod.second_envoy import SecondEnvoy
from tests.conformance.istiod.worlds import KINDS, World, draw
from tests.conformance.rig import Rig

from tools.go_programs import kept_in

HERE = Path(__file__).parent
PROGRAM = "istiod-rules"
MODULE = "istio.io/istio"
# What is recorded: always the same worlds, so that a renewal shows what istiod does otherwise.
RECORDED_SEED, RECORDED_REQUESTS = 20260827, 1700
PROGRESS_EVERY = 50


@dataclass(slots=True)
class Compared:
    """How many requests were made, what differs, and what differs on purpose."""

    asked: int = 0
    differences: list[Difference] = field(default_factory=list)
    deviations: Counter[Deviation] = field(default_factory=Counter)

    def add(self, difference: Difference) -> None:
        deviation = deviation_of(difference)
        if deviation is None:
            self.differences.append(difference)
        else:
            self.deviations[deviation] += 1


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    options = _options(arguments)
    go = shutil.which("go")
    if go is None:
        _say("referee-rules: skipped, Go is missing (https://go.dev/doc/install)")
        return 0
    if options.if_built and not _program().exists():
        _say("referee-rules: skipped, istiod's translation has not been built here (make referee-rules builds it)")
        return 0
    program = build(go)
    if options.record:
        asyncio.run(_record(program, _version(go)))
        return 0
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    worlds = _drawn(options.kinds, options.requests, seed)
    _say(f"referee-rules: {len(worlds)} worlds, seed {seed}")
    compared = asyncio.run(_compare(program, worlds))
    if options.differences:
        options.differences.write_text("".join(json.dumps(_line(item)) + "\n" for item in compared.differences))
    for deviation, count in compared.deviations.items():
        _say(f"  on purpose, {count}: {deviation.what}")
    for (who, kind), count in sorted(Counter((item.who, item.world.kind) for item in compared.differences).items()):
        _say(f"  {who}, {kind}: {count}")
    judged, otherwise = asyncio.run(_data_sets(program, _module(go)))
    for name, why in otherwise:
        _say(f"  validation, {name}: {why}")
    _say(f"Istio's validation data sets: {judged} objects, {len(otherwise)} differ")
    _say(f"{compared.asked} asked, {len(compared.differences)} differ")
    return 1 if compared.differences or otherwise else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make referee-rules", description=__doc__)
    parser.add_argument("--requests", type=int, default=20000, help="how many (20000)")
    parser.add_argument("--seed", type=int, help="which worlds are drawn; without it, others at each run")
    parser.add_argument("--kinds", default="", help=f"comma-separated, of: {', '.join(KINDS)}")
    parser.add_argument("--differences", type=Path, help="a file for every difference, one JSON object a line")
    parser.add_argument("--record", action="store_true", help="renew the recorded answers, and compare nothing")
    parser.add_argument("--if-built", action="store_true", help="skip where istiod's translation has not been built")
    options = parser.parse_args(arguments)
    options.kinds = [kind.strip() for kind in options.kinds.split(",") if kind.strip()] or list(KINDS)
    if unknown := [kind for kind in options.kinds if kind not in KINDS]:
        parser.error(f"--kinds: there is no {unknown[0]} (use {', '.join(KINDS)})")
    return options


def _drawn(kinds: Sequence[str], requests: int, seed: int) -> list[World]:
    share = requests // len(kinds)
    return [world for kind in kinds for world in draw(kind, max(1, share // KINDS[kind].per_world), seed)]


def _line(difference: Difference) -> dict[str, object]:
    return {
        "who": difference.who,
        "kind": difference.world.kind,
        "objects": difference.world.objects,
        "request": difference.request,
        "istiod": difference.istiod,
        "here": difference.here,
    }


def _program() -> Path:
    """Where istiod's translation is kept, by what it is built from."""
    sources = [HERE / name for name in ("main.go", "go.mod", "go.sum")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    return kept_in() / f"{PROGRAM}-{digest}"


def build(go: str) -> Path:
    """istiod's translation as a program; what has been built is kept."""
    program = _program()
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        _say("referee-rules: building istiod's translation (minutes, once)")
        command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", f"{program}.new", "."]
        subprocess.run(command, cwd=HERE, check=True)
        # Under its name only when it is complete.
        Path(f"{program}.new").rename(program)
    return program


def _version(go: str) -> str:
    return _listed(go, "{{.Version}}")


def _module(go: str) -> Path:
    """Istio's module, as Go has it; it is fetched when only the program had been kept."""
    subprocess.run([go, "mod", "download", MODULE], cwd=HERE, check=True)
    return Path(_listed(go, "{{.Dir}}"))


def _listed(go: str, what: str) -> str:
    command = [go, "list", "-m", "-f", what, MODULE]
    return subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout.strip()


@asynccontextmanager
async def _referee(program: Path) -> AsyncIterator[tuple[Rig, Istiod, Oracle]]:
    """Pods, our Envoy in front of them, and istiod's."""
    with tempfile.TemporaryDirectory(prefix="referee-") as work:
        home = Path(work)
        (home / "rig").mkdir()
        rig, oracle = Rig(home / "rig"), Oracle(program)
        await rig.start()
        address = f"{rig.network}.2.1"
        second = SecondEnvoy(home, address)
        try:
            await oracle.start()
            yield rig, Istiod(rig, oracle, second, address), oracle
        finally:
            second.stop()
            await oracle.stop()
            await rig.stop()


async def _compare(program: Path, worlds: Sequence[World]) -> Compared:
    compared = Compared()
    begin, number = time.monotonic(), 0
    async with _referee(program) as (rig, istiod, _):
        ours = Ours(rig, istiod.more)
        async for world, rows in istiod.rows(worlds):
            number += 1
            if isinstance(rows, str):
                compared.add(Difference("validation", world, {}, rows, "accepted"))
            else:
                compared.asked += len(rows)
                async for difference in ours.differences(world, rows):
                    compared.add(difference)
            if number % PROGRESS_EVERY == 0:
                seconds = time.monotonic() - begin
                _say(f"  {number} worlds, {compared.asked} asked, {len(compared.differences)} differ, {seconds:.0f} s")
    return compared


async def _data_sets(program: Path, module: Path) -> tuple[int, list[tuple[str, str]]]:
    """How many objects of Istio's own validation data sets were judged, and those that are judged otherwise here."""
    oracle = Oracle(program)
    await oracle.start()
    try:
        named = list(validation.data_sets(module))
        verdicts = await oracle.verdicts([body for _, body in named])
    finally:
        await oracle.stop()
    rows = [
        {"name": name, "object": body, "error": error} for (name, body), (error, _) in zip(named, verdicts, strict=True)
    ]
    known = validation.documented()
    return len(rows), [(name, why) for name, why in validation.differences(rows) if name not in known]


async def _record(program: Path, version: str) -> None:
    """Renews the recorded answers and verdicts."""
    answered: list[tuple[World, Sequence[Row]]] = []
    async with _referee(program) as (_, istiod, oracle):
        async for world, rows in istiod.rows(_drawn(list(KINDS), RECORDED_REQUESTS, RECORDED_SEED)):
            if isinstance(rows, str):
                raise SystemExit(f"istiod rejects a drawn world: {rows}\n{json.dumps(world.objects)}")
            answered.append((world, [await istiod.more(row) if world.random else row for row in rows]))
            if len(answered) % PROGRESS_EVERY == 0:
                _say(f"  {len(answered)} worlds")
        verdicts = await oracle.verdicts([row["object"] for row in validation.recorded()])
    recorded_worlds.record(recorded_worlds.Recording(version, answered))
    validation.record(verdicts)
    _say(f"recorded: {len(answered)} worlds, {len(verdicts)} objects, {MODULE} {version}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Compares drawn rules with a real istiod: `make referee-rules`.

Builds istiod's translation with Go, once, below ~/.cache/meshmall/referees (or $MESHMALL_REFEREES), draws worlds and
requests, and compares what an Envoy with istiod's configuration answers with our Envoy, the interpreter and
`meshmall route`. Every difference that docs/conformance.md does not list fails. Without Go it says so: the tests need
the recorded answers alone.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.conformance.istiod.judging import Difference, Istiod, Ours
from tests.conformance.istiod.oracle import Oracle
from tests.conformance.istiod.second_envoy import SecondEnvoy
from tests.conformance.istiod.worlds import KINDS, World, draw
from tests.conformance.rig import Rig

HERE = Path(__file__).parent
PROGRAM = "istiod-rules"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="make referee-rules", description=__doc__)
    parser.add_argument("--requests", type=int, default=20000, help="how many (20000)")
    parser.add_argument("--seed", type=int, help="which worlds are drawn; without it, others at each run")
    parser.add_argument("--kinds", default="", help=f"comma-separated, of: {', '.join(KINDS)}")
    parser.add_argument("--differences", type=Path, help="a file for every difference, one JSON object a line")
    options = parser.parse_args(arguments)
    go = shutil.which("go")
    if go is None:
        sys.stdout.write("referee-rules: skipped, Go is missing (https://go.dev/doc/install)\n")
        return 0
    program = build(go)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    kinds = [kind.strip() for kind in options.kinds.split(",") if kind.strip()] or list(KINDS)
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"--kinds: there is no {unknown[0]} (use {', '.join(KINDS)})")
    worlds = [world for kind in kinds for world in draw(kind, _count(kind, options.requests // len(kinds)), seed)]
    sys.stdout.write(f"referee-rules: {len(worlds)} worlds, seed {seed}\n")
    asked, differences = asyncio.run(compare(program, worlds))
    if options.differences:
        lines = (json.dumps(_line(difference)) + "\n" for difference in differences)
        options.differences.write_text("".join(lines))
    for (who, kind), count in sorted(Counter((item.who, item.world.kind) for item in differences).items()):
        sys.stdout.write(f"  {who}, {kind}: {count}\n")
    sys.stdout.write(f"{asked} asked, {len(differences)} differ\n")
    return 1 if differences else 0


def _count(kind: str, requests: int) -> int:
    return max(1, requests // KINDS[kind].per_world)


def _line(difference: Difference) -> dict[str, object]:
    return {
        "who": difference.who,
        "kind": difference.world.kind,
        "objects": difference.world.objects,
        "request": difference.request,
        "istiod": difference.istiod,
        "here": difference.here,
    }


def build(go: str) -> Path:
    """istiod's translation as a program; what has been built is kept, by what it was built from."""
    import hashlib  # noqa: PLC0415

    folder = Path(os.environ.get("MESHMALL_REFEREES") or Path.home() / ".cache" / "meshmall" / "referees")
    sources = [HERE / name for name in ("main.go", "go.mod", "go.sum")]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    program = folder / f"{PROGRAM}-{digest}"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        sys.stdout.write("referee-rules: building istiod's translation (minutes, once)\n")
        sys.stdout.flush()
        command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", f"{program}.new", "."]
        subprocess.run(command, cwd=HERE, check=True)
        # Under its name only when it is complete.
        Path(f"{program}.new").rename(program)
    return program


async def compare(program: Path, worlds: list[World]) -> tuple[int, list[Difference]]:
    """How many requests were made, and every difference."""
    asked = 0
    differences: list[Difference] = []
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="referee-") as work:
        home = Path(work)
        rig, oracle = Rig(home / "rig"), Oracle(program)
        (home / "rig").mkdir()
        await rig.start()
        address = f"{rig.network}.2.1"
        second = SecondEnvoy(home, address)
        try:
            await oracle.start()
            ours = Ours(rig)
            number = 0
            async for world, rows in Istiod(rig, oracle, second, address).rows(worlds):
                number += 1
                if isinstance(rows, str):
                    differences.append(Difference("validation", world, {}, rows, "accepted"))
                else:
                    asked += len(rows)
                    differences += [difference async for difference in ours.differences(world, rows)]
                if number % 100 == 0:
                    seconds = time.monotonic() - begin
                    sys.stdout.write(f"  {number} worlds, {asked} asked, {len(differences)} differ, {seconds:.0f} s\n")
                    sys.stdout.flush()
        finally:
            second.stop()
            await oracle.stop()
            await rig.stop()
    return asked, differences


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The long test of reliability: a mesh with the mall is killed, attacked and loaded, and the figures are printed.

`python -m tools.reliability` (`make soak`) prints a line of JSON for each part, and ends with 1 when a part has
failed. How much, by environment: RELIABILITY_KILLS of each kind (20), RELIABILITY_WRITES during the daemon's kills
(100000), RELIABILITY_HOSTILE requests (100000), RELIABILITY_ROLLOUTS of each service (5), RELIABILITY_SOAK_MINUTES
(60); RELIABILITY_PARTS runs only some ("pods envoy daemon hostile rollouts soak").
"""

import json
import os
import sys
import time
from collections.abc import Callable

from tests.support.endurance import (
    SERVICES,
    Figures,
    hostile,
    kill_daemon,
    kill_envoy,
    kill_pods,
    rollouts,
    soak,
)
from tests.support.mesh import BASELINE, Mesh, meshes, seen

PARTS = ("pods", "rollouts", "hostile", "envoy", "daemon", "soak")


def number(name: str, default: float) -> float:
    """A setting from the environment. Raises ValueError."""
    return float(os.environ.get(f"RELIABILITY_{name}", default))


def parts(mesh: Mesh) -> dict[str, Callable[[], Figures]]:
    """The parts by name, with their settings."""
    kills = int(number("KILLS", 20))
    return {
        "pods": lambda: kill_pods(mesh, kills, *SERVICES),
        "rollouts": lambda: rollouts(mesh, int(number("ROLLOUTS", 5)), *SERVICES),
        "hostile": lambda: hostile(mesh, int(number("HOSTILE", 100_000)), lambda page: seen(page) == BASELINE),
        "envoy": lambda: kill_envoy(mesh, kills),
        "daemon": lambda: kill_daemon(mesh, kills, int(number("WRITES", 100_000))),
        "soak": lambda: soak(mesh, number("SOAK_MINUTES", 60)),
    }


def has_passed(figures: Figures) -> bool:
    """Whether nothing was lost, failed or went to the wrong workload. Pages with an area missing are figures only: a
    call that a rule does not allow to be repeated breaks with the pod that answers it, as on a cluster."""
    quarters = [figures[name] for name in ("first quarter", "last quarter") if name in figures]
    return not any(part.get(name) for part in (figures, *quarters) for name in ("failed", "lost", "wrong workloads"))


def main() -> int:
    """Returns the exit code."""
    chosen = os.environ.get("RELIABILITY_PARTS", "").split() or PARTS
    passed = True
    with meshes() as make:
        mesh = make()
        mesh.up()
        mesh.ok("apply", "-f", mesh.manifest("jason.yaml"), "--wait")
        for name, run in parts(mesh).items():
            if name not in chosen:
                continue
            begun = time.monotonic()
            figures = run()
            passed = passed and has_passed(figures)
            line = {"part": name, "passed": has_passed(figures), **figures, "seconds": round(time.monotonic() - begun)}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

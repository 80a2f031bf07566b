"""The long test of reliability: a mesh with the mall is killed, attacked and loaded, and the figures are printed.

`python -m tools.reliability` (`make soak`) prints a line of JSON for each part, and ends with 1 when a part has
failed. How much, by environment: RELIABILITY_KILLS of each service and of Envoy (20), RELIABILITY_DAEMON_KILLS (100)
during RELIABILITY_WRITES (100000), RELIABILITY_ROLLOUTS of each service (5), RELIABILITY_MOMENTS at which the disk is
full during a rollout (40), RELIABILITY_HOSTILE requests (100000), RELIABILITY_TELEMETRY requests (20000),
RELIABILITY_NEIGHBOUR seconds (300), RELIABILITY_SOAK_MINUTES (60); RELIABILITY_PARTS runs only some ("pods stops").
Another user and a small disk (neighbour, disk) need root.
"""

import json
import os
import sys
import time
from collections.abc import Callable

from tests.support.attacks import full_disk, neighbour, telemetry
from tests.support.endurance import (
    SERVICES,
    Figures,
    hostile,
    kill_daemon,
    kill_envoy,
    kill_pods,
    rollouts,
    soak,
    stop_pods,
)
from tests.support.mesh import BASELINE, Mesh, meshes, seen

PARTS = ("pods", "stops", "rollouts", "disk", "hostile", "telemetry", "neighbour", "envoy", "daemon", "soak")
# Clients that send hostile requests at once.
CLIENTS = 4


def number(name: str, default: float) -> float:
    """A setting from the environment. Raises ValueError."""
    return float(os.environ.get(f"RELIABILITY_{name}", default))


def parts(mesh: Mesh, spare: Callable[[], Mesh]) -> dict[str, Callable[[], Figures]]:
    """The parts by name, with their settings. `spare` makes a mesh that is not up yet."""
    kills = int(number("KILLS", 20))
    is_baseline = lambda page: seen(page) == BASELINE  # noqa: E731 - the parts' one question
    return {
        "pods": lambda: kill_pods(mesh, kills, *SERVICES),
        "stops": lambda: stop_pods(mesh, *SERVICES),
        "rollouts": lambda: rollouts(mesh, int(number("ROLLOUTS", 5)), *SERVICES),
        "disk": lambda: full_disk(spare(), int(number("MOMENTS", 40))),
        "hostile": lambda: hostile(mesh, int(number("HOSTILE", 100_000)), is_baseline, CLIENTS),
        "telemetry": lambda: telemetry(mesh, int(number("TELEMETRY", 20_000))),
        "neighbour": lambda: neighbour(mesh, number("NEIGHBOUR", 300)),
        "envoy": lambda: kill_envoy(mesh, kills),
        "daemon": lambda: kill_daemon(mesh, int(number("DAEMON_KILLS", 100)), int(number("WRITES", 100_000))),
        "soak": lambda: soak(mesh, number("SOAK_MINUTES", 60)),
    }


def has_passed(figures: Figures) -> bool:
    """Whether nothing was lost, failed, incomplete, let in or answered by the wrong workload."""
    quarters = [figures[name] for name in ("first quarter", "last quarter") if name in figures]
    names = ("failed", "incomplete", "lost", "let in", "wrong workloads", "branches made up", "problems")
    return not any(part.get(name) for part in (figures, *quarters) for name in names)


def main() -> int:
    """Returns the exit code."""
    chosen = os.environ.get("RELIABILITY_PARTS", "").split() or PARTS
    passed = True
    with meshes() as make:
        mesh = make()
        mesh.up()
        mesh.ok("apply", "-f", mesh.manifest("jason.yaml"), "--wait")
        for name, run in parts(mesh, make).items():
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

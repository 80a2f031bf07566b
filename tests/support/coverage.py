"""`python -m tests.support.coverage`: how much of each package the unit tests have executed, in a few lines."""

from collections import defaultdict
from pathlib import Path

from coverage import Coverage

from tests.support.places import ROOT


def shares(coverage: Coverage) -> dict[str, tuple[int, int]]:
    """Statements executed and statements there are, by package: `mesh/routing`, `meshmall`, `mall`."""
    counts: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for path in sorted((ROOT / "src").rglob("*.py")):
        _, statements, _, missing, _ = coverage.analysis2(str(path))
        module = path.relative_to(ROOT / "src").parts
        package = "/".join(module[:2]) if module[0] == "mesh" and len(module) > 2 else module[0]
        executed, total = counts[package]
        counts[package] = executed + len(statements) - len(missing), total + len(statements)
    return counts


def main() -> None:
    coverage = Coverage(data_file=ROOT / ".coverage")
    coverage.load()
    counts = shares(coverage)
    executed, total = (sum(column) for column in zip(*counts.values(), strict=True))
    parts = ", ".join(f"{package} {100 * done // all_}" for package, (done, all_) in counts.items() if all_)
    print(f"unit tests execute {100 * executed / total:.0f} % of the statements in src ({parts})")
    Path(ROOT / ".coverage").unlink()


if __name__ == "__main__":
    main()

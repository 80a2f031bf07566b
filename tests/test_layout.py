"""Where tests are: tests/unit mirrors src, helpers are in tests/support, and a conftest has no helpers for others."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.places import ROOT

SRC = ROOT / "src"
TESTS = ROOT / "tests"
UNIT = TESTS / "unit"
PACKAGES = ("mesh", "meshmall")

# Modules and packages without a test module in tests/unit: why, and where they are tested.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "mesh.api": ("tested through a real server", "unit/mesh/api/test_server.py"),
    "mesh.branches": ("needs a running mesh", "e2e/test_branches.py"),
    "mesh.client": ("speaks to a real API server", "unit/mesh/api/mesh_v1/test_apply.py"),
    "mesh.console": ("tested through a real server", "unit/mesh/console/test_door.py"),
    "mesh.control": ("programs a real Envoy", "with_envoy/control/test_programmer.py"),
    "mesh.daemon": ("the daemon as a process", "e2e/test_bad_input.py"),
    "mesh.envoy": ("what Envoy does with it is what counts", "with_envoy/data_plane/test_routes.py"),
    "mesh.observe": ("tested by what is told of hops", "unit/mesh/observe/test_traces.py"),
    "mesh.pods": ("tested with real processes", "unit/mesh/pods/test_container.py"),
    "mesh.resources": ("tested by what is refused", "unit/mesh/resources/test_validation.py"),
    "mesh.routing": ("what rules mean is decided by an interpreter and Envoy", "conformance/test_virtual_service.py"),
    "meshmall": ("the command as a person types it", "e2e/test_bad_input.py"),
}


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((SRC / package).rglob("*.py")):
            if path.name not in ("__init__.py", "__main__.py"):
                yield path.relative_to(SRC)


def dotted(module: Path) -> str:
    return ".".join(module.with_suffix("").parts)


@cache
def decides(module: Path) -> bool:
    """Whether a module has a function: one that only declares types and constants has nothing to test."""
    tree = ast.parse((SRC / module).read_text())
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def unit_test(module: Path) -> Path | None:
    """The test module of a module, or of the package that it is in: `test_logs.py` for `logs/log_files.py`."""
    own = UNIT / module.parent / f"test_{module.stem}.py"
    of_package = UNIT / module.parent.parent / f"test_{module.parent.name}.py"
    return next((path for path in (own, of_package) if path.exists()), None)


def elsewhere(module: Path) -> str | None:
    name = dotted(module)
    return next((key for key in ELSEWHERE if name == key or name.startswith(f"{key}.")), None)


def test_a_unit_test_is_of_a_module_or_package() -> None:
    strays = []
    for test in sorted(UNIT.rglob("test_*.py")):
        source = SRC / test.parent.relative_to(UNIT) / test.stem.removeprefix("test_")
        if not source.with_suffix(".py").exists() and not (source / "__init__.py").exists():
            strays.append(f"{test.relative_to(ROOT)}: there is no {source.relative_to(ROOT)}")
    assert strays == []


def test_a_module_has_its_unit_test_or_a_reason() -> None:
    missing = [str(path) for path in modules() if decides(path) and not unit_test(path) and not elsewhere(path)]
    assert missing == [], "add tests/unit/.../test_<module>.py, or an entry in ELSEWHERE"


def test_the_reasons_are_true() -> None:
    excused = {key for path in modules() if decides(path) and not unit_test(path) and (key := elsewhere(path))}
    assert set(ELSEWHERE) - excused == set(), "these have unit tests, or are gone"
    assert [place for _, place in ELSEWHERE.values() if not (TESTS / place).exists()] == []


def test_nothing_is_imported_from_a_conftest() -> None:
    pattern = re.compile(r"^\s*(from|import)\s.*\bconftest\b", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in TESTS.rglob("*.py") if pattern.search(path.read_text())] == []


def test_a_conftest_has_no_helpers_for_others() -> None:
    others = []
    for path in sorted(TESTS.rglob("conftest.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                if not node.name.startswith(("pytest_", "_")) and not any(
                    "pytest.fixture" in text for text in decorators
                ):
                    others.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert others == []

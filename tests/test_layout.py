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

# Packages and modules without test modules of their own in tests/unit: why, and where they are tested.
ELSEWHERE: tuple[tuple[str, str, str], ...] = (
    # Packages whose parts only mean something together.
    ("mesh.api", "asked through a real server, as clients do", "unit/mesh/api/test_server.py"),
    ("mesh.envoy", "what counts is what Envoy does with it", "with_envoy/data_plane/test_routes.py"),
    ("mesh.images", "parts of pulling and unpacking", "unit/mesh/images/test_registry.py"),
    ("mesh.pods", "runs real processes", "unit/mesh/pods/test_container.py"),
    ("mesh.routing", "what rules mean: an interpreter and Envoy decide", "conformance/test_virtual_service.py"),
    # Single modules.
    ("mesh.syscalls", "what the kernel does", "with_namespaces/sandbox/test_commands.py"),
    ("mesh.branches.data.copy_job", "copies what runs", "e2e/in_pods/test_branch_data.py"),
    ("mesh.branches.data.keeper", "copies what runs", "e2e/in_pods/test_branch_data.py"),
    ("mesh.branches.data.snapshots", "copies what runs", "e2e/in_pods/test_branch_data.py"),
    ("mesh.branches.data.work", "copies what runs", "e2e/in_pods/test_branch_data.py"),
    ("mesh.branches.deployments", "creates what the controller decides", "unit/mesh/branches/test_controller.py"),
    ("mesh.branches.observing", "reads the store for the controller", "unit/mesh/branches/test_controller.py"),
    ("mesh.branches.record", "what the controller keeps of a branch", "unit/mesh/branches/test_controller.py"),
    ("mesh.branches.render.around", "what branches are rendered from", "unit/mesh/branches/render/test_objects.py"),
    ("mesh.branches.render.changes", "where requests go", "unit/mesh/branches/render/test_virtual_services.py"),
    ("mesh.branches.render.workloads", "the objects of one change", "unit/mesh/branches/render/test_objects.py"),
    ("mesh.branches.triggers", "what wakes the controller", "unit/mesh/branches/test_controller.py"),
    ("mesh.client.attach", "a conversation with a container", "e2e/in_pods/test_terminals.py"),
    ("mesh.client.connection", "the client's connection", "unit/mesh/client/test_api.py"),
    ("mesh.client.errors", "the client's errors", "unit/mesh/client/test_api.py"),
    ("mesh.console.comparing", "asked through the console", "unit/mesh/console/test_door.py"),
    ("mesh.console.pages", "asked through the console", "unit/mesh/console/test_door.py"),
    ("mesh.console.server", "asked through the console", "unit/mesh/console/test_door.py"),
    ("mesh.control.bring_up", "programs a real Envoy", "with_envoy/control/test_programmer.py"),
    ("mesh.control.lookups", "programs a real Envoy", "with_envoy/control/test_programmer.py"),
    ("mesh.control.statuses", "what Envoy has acknowledged", "with_envoy/control/test_programmer.py"),
    ("mesh.daemon.failure", "an exception", "unit/mesh/daemon/test_ports.py"),
    ("mesh.daemon.launch", "starts and ends the daemon", "e2e/test_bad_input.py"),
    ("mesh.daemon.main", "the daemon", "e2e/test_scenario.py"),
    ("mesh.daemon.pod_network", "part of the daemon's start", "e2e/test_scenario.py"),
    ("mesh.observe.reasons", "why a hop went where it did", "e2e/test_observe.py"),
    ("mesh.observe.spans", "spans of hops", "unit/mesh/observe/test_requests.py"),
    ("mesh.observe.telemetry", "passes hops on", "unit/mesh/observe/test_otlp.py"),
    ("mesh.observe.workloads", "whose an address is", "unit/mesh/observe/test_topology.py"),
    ("mesh.resources.analysis.advice", "part of the analysis", "unit/mesh/resources/analysis/test_analysis.py"),
    (
        "mesh.resources.analysis.branch_references",
        "with a branch's checks",
        "unit/mesh/resources/checks/test_branch.py",
    ),
    ("mesh.resources.analysis.finding", "part of the analysis", "unit/mesh/resources/analysis/test_analysis.py"),
    ("mesh.resources.analysis.rule_references", "references", "unit/mesh/resources/analysis/test_references.py"),
    ("mesh.resources.checks.container", "parts of a pod", "unit/mesh/resources/checks/test_pod.py"),
    ("mesh.resources.checks.container_environment", "parts of a pod", "unit/mesh/resources/checks/test_pod.py"),
    ("mesh.resources.checks.probes", "parts of a pod", "unit/mesh/resources/checks/test_pod.py"),
    ("mesh.resources.checks.scheduling", "parts of a pod", "unit/mesh/resources/checks/test_pod.py"),
    ("mesh.resources.checks.volumes", "parts of a pod", "unit/mesh/resources/checks/test_pod.py"),
    ("mesh.resources.columns.column", "shown in tables", "unit/mesh/api/test_meta.py"),
    ("mesh.resources.columns.gateway_api", "shown in tables", "unit/mesh/api/test_meta.py"),
    ("mesh.resources.core", "types", "unit/mesh/resources/test_kinds.py"),
    ("mesh.resources.custom", "kinds that users define, served", "unit/mesh/api/objects/test_served.py"),
    ("mesh.resources.gateway_api", "types", "unit/mesh/resources/test_kinds.py"),
    ("mesh.resources.istio", "types", "unit/mesh/resources/test_kinds.py"),
    ("mesh.resources.meshmall.branch", "a type", "unit/mesh/resources/checks/test_branch.py"),
    ("mesh.resources.shapes", "checked against", "unit/mesh/resources/validation/test_shaped.py"),
    ("mesh.resources.values.meta", "types", "unit/mesh/resources/test_kinds.py"),
    ("mesh.resources.values.shaped", "a mark", "unit/mesh/resources/validation/test_shaped.py"),
    ("mesh.resources.values.ref", "identities", "unit/mesh/resources/values/test_problems.py"),
    ("meshmall.cli.branch.commands", "options and help", "unit/meshmall/cli/test_app.py"),
    ("meshmall.cli.branch.data_commands", "options and help", "unit/meshmall/cli/test_app.py"),
    ("meshmall.cli.branch.data_diff", "asks the daemon", "e2e/in_pods/test_branch_data.py"),
    ("meshmall.cli.branch.data_reset", "waits for a new copy", "e2e/in_pods/test_branch_data.py"),
    ("meshmall.cli.branch.dev", "a process of the developer's", "e2e/test_branches.py"),
    ("meshmall.cli.branch.dev_files", "watches files", "e2e/test_branches.py"),
    ("meshmall.cli.branch.dev_pod", "a pod with the developer's terminal", "e2e/in_pods/test_terminals.py"),
    ("meshmall.cli.branch.diff", "prints a comparison", "e2e/test_branches.py"),
    ("meshmall.cli.branch.render", "prints manifests", "e2e/test_branches.py"),
    ("meshmall.cli.branch.substitution", "changes a branch and puts it back", "e2e/in_pods/test_terminals.py"),
    ("meshmall.cli.branch.ways_in", "what show and create print", "unit/meshmall/cli/branch/test_show.py"),
    ("meshmall.cli.completion", "scripts that shells run", "e2e/test_command_line.py"),
    ("meshmall.init.program", "values", "unit/meshmall/init/test_output.py"),
    ("meshmall.cli.canary.rules", "changes rules on a mesh", "e2e/test_canary.py"),
    ("meshmall.cli.canary.run", "changes rules on a mesh", "e2e/test_canary.py"),
    ("meshmall.cli.console", "prints an address", "browser/test_console_on_a_mesh.py"),
    ("meshmall.cli.context", "joins home, view and client", "unit/meshmall/cli/test_options.py"),
    ("meshmall.cli.declare", "read by quick", "unit/meshmall/cli/test_quick.py"),
    ("meshmall.cli.delete", "waits for pods", "e2e/test_bad_input.py"),
    ("meshmall.cli.image", "what is on disk", "with_namespaces/mesh/test_images.py"),
    ("meshmall.cli.demo", "starts a mesh", "e2e/test_scenario.py"),
    ("meshmall.cli.down", "ends a mesh", "e2e/test_bad_input.py"),
    ("meshmall.cli.full", "typer's reading, compared with quick's", "unit/meshmall/cli/test_quick.py"),
    ("meshmall.cli.snapshot_commands", "options and help", "unit/meshmall/cli/test_app.py"),
    ("meshmall.cli.snapshots", "asks the daemon", "e2e/in_pods/test_branch_data.py"),
    ("meshmall.cli.up", "starts a mesh", "e2e/test_scenario.py"),
    ("meshmall.mcp", "what counts is what the protocol's client gets", "e2e/test_mcp.py"),
)


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
    return next((key for key, _, _ in ELSEWHERE if name == key or name.startswith(f"{key}.")), None)


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
    assert {key for key, _, _ in ELSEWHERE} - excused == set(), "these have unit tests, or are gone"
    assert [place for _, _, place in ELSEWHERE if not (TESTS / place).exists()] == []


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

"""Prints what became of each test of the suite, and writes the report that the Gateway API project collects.

Without Go, or where ports 80 and 443 cannot be used, it says so in one line and succeeds.
"""

import argparse
import contextlib
import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.conformance.mesh import MESH_NAME, running, unusable_port
from tools.conformance.programs import SUITE, Programs, build, find_go, is_built

PROFILES = (
    "GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TLS", "GATEWAY-TCP", "GATEWAY-UDP", "MESH-HTTP", "MESH-GRPC",
)  # fmt: skip
CLASS_NAME = "meshmall"
# One of each kind of route, listener and policy.
SAMPLE = (
    "HTTPRouteMultipleGateways", "HTTPRouteHTTPSListenerDetectMisdirectedRequests", "HTTPRouteServiceTypes",
    "GRPCRouteWeight", "ListenerSetHTTPRouting", "TLSRouteMixedTerminationSameNamespace", "TCPRouteWeightedRouting",
    "UDPRouteReferenceGrant", "BackendTLSPolicy", "GatewayTLSBackendClientCertificate", "GatewayStaticAddresses",
    "GatewayFrontendClientCertificateValidation", "GatewayInfrastructureMetadata", "MeshConsumerRoute", "MeshFrontend",
)  # fmt: skip
RESULT = re.compile(r"^ {4}--- (PASS|FAIL|SKIP): TestConformance/(\S+) \(([0-9.]+)s\)$")
# Addresses for the test of static addresses: one of this machine, and one of RFC 5737's documentation ranges.
USABLE, UNUSABLE = "127.0.7.7", "192.0.2.7"


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 when every test passed, or none could be run here."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--report", type=Path, help="where to write the report (default: nowhere)")
    parser.add_argument("--log", type=Path, help="where to write the suite's own output (default: nowhere)")
    parser.add_argument("--test", default="", help="run the tests with these names alone, separated by commas")
    parser.add_argument("--sample", action="store_true", help="run a few tests of each kind")
    parser.add_argument("--if-built", action="store_true", help="run nothing unless everything has been built before")
    options = parser.parse_args(arguments)
    if options.sample:
        options.test = ",".join(SAMPLE)
    go = find_go()
    if go is None:
        return _skipped("Go is missing (https://go.dev/doc/install)")
    if problem := unusable_port():
        return _skipped(f"the suite needs ports 80 and 443, and {problem}")
    if options.if_built and not is_built():
        return _skipped("the suite has not been built here (make conformance)")
    programs = build(go, lambda line: _say(f"conformance: {line}"))
    # So that whoever ends this also ends the mesh.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        home = Path(folder) / "mesh"
        with running(home, programs) as kubeconfig:
            return _run(programs, kubeconfig, Path(folder), options)


def _run(programs: Programs, kubeconfig: Path, folder: Path, options: argparse.Namespace) -> int:
    report = options.report.absolute() if options.report else folder / "report.yaml"
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(options.log.open("w", buffering=1)) if options.log else None
        process = subprocess.Popen(
            [str(programs.suite), *_flags(report, options.test)],
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        stack.callback(_end, process)
        results: dict[str, str] = {}
        tail: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            if log is not None:
                log.write(line)
            tail = [*tail[-40:], line]
            if match := RESULT.match(line.rstrip()):
                result, name, seconds = match.groups()
                results[name] = result
                if result != "SKIP":
                    _say(f"{result}  {name}  {seconds} s")
        code = process.wait()
    if not results:
        sys.stdout.writelines(tail)
    _summary(results, time.monotonic() - begun)
    return 0 if code == 0 and results and "FAIL" not in results.values() else 1


def _flags(report: Path, tests: str) -> list[str]:
    version = importlib.metadata.version("mesh-mall")
    flags = [
        *("-test.v", "-test.timeout=40m", "-test.run=^TestConformance$"),
        *(f"-gateway-class={CLASS_NAME}", f"-mesh-name={MESH_NAME}", f"-conformance-profiles={','.join(PROFILES)}"),
        *(f"-usable-address={USABLE}", f"-unusable-address={UNUSABLE}", f"-report-output={report}"),
        *("-organization=mesh-mall", "-project=mesh-mall", "-url=https://github.com/mesh-mall/mesh-mall"),
        *(f"-version=v{version}", "-contact=@mesh-mall/maintainers"),
    ]
    if tests:
        names = "|".join(re.escape(name) for name in tests.split(","))
        flags[2] = f"-test.run=^TestConformance$/^({names})$"
    return flags


def _summary(results: dict[str, str], seconds: float) -> None:
    counted = {result: sum(1 for value in results.values() if value == result) for result in ("PASS", "FAIL", "SKIP")}
    failed = ", ".join(name for name, result in results.items() if result == "FAIL")
    _say(
        f"conformance: Gateway API {SUITE}: {counted['PASS']} passed, {counted['FAIL']} failed, "
        f"{counted['SKIP']} skipped, {seconds:.0f} s{f'; failed: {failed}' if failed else ''}"
    )


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _skipped(reason: str) -> int:
    _say(f"conformance: skipped, {reason}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a container's probes and lifecycle hooks can get wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

from mesh.resources.core.pod import LifecycleHandler, Probe
from mesh.resources.values.names import none_of, wrong_port, wrong_port_name
from mesh.resources.values.problems import FieldError, forbidden, required

Errors = Iterator[FieldError]


def check_probe(probe: Probe, path: str, *, kind: str) -> Errors:
    """Everything wrong with a probe; `kind` is startupProbe, readinessProbe or livenessProbe."""
    handlers = {"httpGet": probe.http_get, "tcpSocket": probe.tcp_socket, "exec": probe.exec, "grpc": probe.grpc}
    yield from _one_handler(handlers, path)
    yield from _handlers(handlers, path)
    for field, value, least in (
        ("initialDelaySeconds", probe.initial_delay_seconds, 0),
        ("periodSeconds", probe.period_seconds, 1),
        ("timeoutSeconds", probe.timeout_seconds, 1),
        ("successThreshold", probe.success_threshold, 1),
        ("failureThreshold", probe.failure_threshold, 1),
    ):
        if not least <= value < 2**31:
            yield FieldError(f"{path}.{field}", f"{value} is not in {least}-2147483647")
    readiness = kind == "readinessProbe"
    # Kubernetes' rule: one success is what ends a start-up, or keeps a container alive.
    if not readiness and probe.success_threshold > 1:
        yield FieldError(f"{path}.successThreshold", f"{probe.success_threshold} is not 1, as it must be here")
    grace = probe.termination_grace_period_seconds
    if grace is not None and readiness:
        why = "cannot be used in a readiness probe, which never restarts anything"
        yield FieldError(f"{path}.terminationGracePeriodSeconds", why)
    elif grace is not None and grace < 1:
        yield FieldError(f"{path}.terminationGracePeriodSeconds", f"{grace} is below 1")


def check_handler(handler: LifecycleHandler, path: str) -> Errors:
    """Everything wrong with a lifecycle hook."""
    handlers = {
        "exec": handler.exec, "httpGet": handler.http_get, "sleep": handler.sleep, "tcpSocket": handler.tcp_socket,
    }  # fmt: skip
    yield from _one_handler(handlers, path)
    yield from _handlers(handlers, path)
    if handler.sleep is not None and handler.sleep.seconds < 0:
        yield FieldError(f"{path}.sleep.seconds", f"{handler.sleep.seconds} is below 0")


def _one_handler(handlers: Mapping[str, Any], path: str) -> Errors:
    given = [name for name, handler in handlers.items() if handler is not None]
    if not given:
        yield required(path, f"needs exactly one of {', '.join(handlers)}; it has none")
    for name in given[1:]:
        # The second is what is too much, as Kubernetes sees it.
        yield forbidden(f"{path}.{name}", f"needs exactly one of {', '.join(handlers)}; it has {' and '.join(given)}")


def _handlers(handlers: Mapping[str, Any], path: str) -> Errors:
    for name in ("httpGet", "tcpSocket", "grpc"):
        handler = handlers.get(name)
        if handler is None:
            continue
        # Whether the container has a port of this name is known when the probe runs, as in Kubernetes.
        port = handler.port
        if wrong := wrong_port(port) if isinstance(port, int) else wrong_port_name(port):
            yield FieldError(f"{path}.{name}.port", wrong)
    get = handlers.get("httpGet")
    if get is not None:
        yield from none_of(get.scheme, ("HTTP", "HTTPS"), f"{path}.httpGet.scheme")
        # It would end the request line: what follows would be read as a header.
        if any(sign in get.path for sign in "\r\n "):
            yield FieldError(f"{path}.httpGet.path", "contains a space or a line break")
    run = handlers.get("exec")
    if run is not None and not run.command:
        yield required(f"{path}.exec.command", "is empty")

"""What the schemas of the Gateway API refuse in the listeners of Gateways and ListenerSets."""

from collections.abc import Iterator, Sequence

from mesh.resources.gateway_api.types import Listener
from mesh.resources.values.names import none_of, wrong_host, wrong_port, wrong_subdomain
from mesh.resources.values.problems import FieldError, Reason, required

Errors = Iterator[FieldError]
WITHOUT_TLS = ("HTTP", "TCP", "UDP")
WITHOUT_HOSTNAME = ("TCP", "UDP")


def check_listeners(listeners: Sequence[Listener]) -> Errors:
    """Everything wrong with the listeners of one object, paths relative to it."""
    names: set[str] = set()
    places: set[tuple[int, str, str]] = set()
    for number, listener in enumerate(listeners):
        path = f"spec.listeners[{number}]"
        yield from _listener(listener, path)
        if listener.name in names:
            # Two errors, as from the schema: the list is a map by name, and a rule says so once more.
            yield FieldError(path, f'duplicate name "{listener.name}"', reason=Reason.DUPLICATE)
            yield FieldError("spec.listeners", f'"{listener.name}" is the name of two listeners')
        place = (listener.port, listener.protocol, listener.hostname)
        # The API server refuses it, too: the two could not be told apart by any request.
        if place in places:
            combination = f"{listener.port}, {listener.protocol} and {listener.hostname or 'no hostname'}"
            yield FieldError("spec.listeners", f"two have the same port, protocol and hostname ({combination})")
        names.add(listener.name)
        places.add(place)


def _listener(listener: Listener, path: str) -> Errors:
    if wrong := wrong_subdomain(listener.name):
        yield FieldError(f"{path}.name", wrong)
    if wrong := wrong_port(listener.port):
        yield FieldError(f"{path}.port", wrong)
    if listener.hostname:
        yield from wrong_hostname(listener.hostname, f"{path}.hostname")
    if listener.hostname and listener.protocol in WITHOUT_HOSTNAME:
        yield FieldError("spec.listeners", f"{path}.hostname cannot be used with protocol {listener.protocol}")
    if listener.protocol in WITHOUT_TLS and listener.tls is not None:
        message = f"{path}.tls cannot be used with protocol {listener.protocol}; use HTTPS or TLS"
        yield FieldError("spec.listeners", message)
    if listener.protocol == "HTTPS":
        if listener.tls is None:
            yield required(f"{path}.tls", "is missing; HTTPS needs certificateRefs")
        elif listener.tls.mode != "Terminate":
            message = f'{path}.tls.mode "{listener.tls.mode[:80]}" cannot be used with HTTPS; use Terminate'
            yield FieldError("spec.listeners", message)
        elif not listener.tls.certificate_refs:
            yield required(f"{path}.tls.certificateRefs", "is empty; it names a Secret of type kubernetes.io/tls")
    elif listener.protocol == "TLS":
        if listener.tls is None:
            yield FieldError("spec.listeners", f"{path}.tls is missing; TLS needs a mode")
        elif listener.tls.mode == "Terminate" and not (listener.tls.certificate_refs or listener.tls.options):
            yield FieldError(f"{path}.tls", "certificateRefs is empty; it names a Secret of type kubernetes.io/tls")
    if listener.tls is not None:
        yield from none_of(listener.tls.mode, ("Terminate", "Passthrough"), f"{path}.tls.mode")
    namespaces = listener.allowed_routes.namespaces
    where = f"{path}.allowedRoutes.namespaces"
    yield from none_of(namespaces.from_, ("All", "Same", "Selector"), f"{where}.from")
    if namespaces.from_ == "Selector" and namespaces.selector is None:
        yield required(f"{where}.selector", "is missing; from: Selector needs it")


def wrong_hostname(hostname: str, path: str) -> Errors:
    """Why a hostname is none that listeners and routes may have."""
    if hostname == "*" or wrong_host(hostname):
        yield FieldError(path, f'"{hostname[:80]}" is not a hostname: a DNS name, or "*." before one')

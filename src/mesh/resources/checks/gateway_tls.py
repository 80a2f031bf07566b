"""What the schema of Gateway.spec.tls refuses."""

from collections.abc import Iterator

from mesh.resources.gateway_api.gateway_tls import INSECURE_FALLBACK, VALID_ONLY, GatewayTLSConfig, TLSConfig
from mesh.resources.values.names import none_of, wrong_port
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]


def check_gateway_tls(tls: GatewayTLSConfig) -> Errors:
    """Everything wrong with spec.tls by itself."""
    if tls.frontend is None:
        return
    where = "spec.tls.frontend"
    yield from _validation(tls.frontend.default, f"{where}.default")
    ports: set[int] = set()
    for number, entry in enumerate(tls.frontend.per_port):
        path = f"{where}.perPort[{number}]"
        if wrong := wrong_port(entry.port):
            yield FieldError(f"{path}.port", wrong)
        if entry.port in ports:
            yield FieldError(f"{where}.perPort", f"port {entry.port} is there twice")
        ports.add(entry.port)
        yield from _validation(entry.tls, f"{path}.tls")


def _validation(config: TLSConfig, path: str) -> Errors:
    if config.validation is None:
        return
    yield from none_of(config.validation.mode, (VALID_ONLY, INSECURE_FALLBACK), f"{path}.validation.mode")
    if not config.validation.ca_certificate_refs:
        yield required(f"{path}.validation.caCertificateRefs", "is empty; name a ConfigMap with ca.crt")

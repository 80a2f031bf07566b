"""The ports that the mesh listens on: the gateway's defaults, and whether the ports are free before a start."""

import errno
import socket
from collections.abc import Mapping
from typing import Protocol, TypedDict

from mesh.daemon.failure import Failure

# Where Gateways' ports 80 and 443 listen unless `up` says otherwise. Above 1024, so that no privilege is needed.
GATEWAY_PORT = 8080
GATEWAY_HTTPS_PORT = 8443


class Listening(Protocol):
    """The part of the daemon's settings that says where it listens."""

    @property
    def address(self) -> str: ...
    @property
    def gateway_port(self) -> int: ...
    @property
    def gateway_https_port(self) -> int: ...
    @property
    def api_port(self) -> int: ...


def require_free(settings: Listening) -> None:
    """Raises Failure that names the first port in use and the option that chooses another."""
    listeners = [
        (settings.address, settings.gateway_port, "the gateway", "--gateway-port"),
        (settings.address, settings.gateway_https_port, "the gateway's HTTPS", "--gateway-https-port"),
    ]
    if settings.api_port:
        listeners.append(("127.0.0.1", settings.api_port, "the API", "--api-port"))
    for address, port, owner, option in listeners:
        if problem := bind_problem(address, port):
            raise Failure(
                f"{address}:{port} ({owner}) cannot be used: {problem}",
                f"choose another port with {option}, or another loopback address with --address 127.0.0.2",
            )


class GatewayPlaces(TypedDict):
    """Where Gateways with addresses of their own listen, as the mesh's settings have it."""

    gateway_subnet: str
    own_ports: Mapping[int, int]


def gateway_places(subnet: str) -> GatewayPlaces:
    """The ports that such Gateways open for 80 and 443: these, where this user may listen there, else the gateway's
    defaults. `subnet` is three numbers of an address."""
    is_allowed = not any(bind_problem(f"{subnet}.254", port) for port in (80, 443))
    ports = {} if is_allowed else {80: GATEWAY_PORT, 443: GATEWAY_HTTPS_PORT}
    return {"gateway_subnet": subnet, "own_ports": ports}


def bind_problem(address: str, port: int) -> str:
    """Why nothing can listen there now; "" when something can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "another program is listening there"
            return error.strerror or str(error)
    return ""

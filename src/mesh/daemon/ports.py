"""Are the addresses that the mesh is to listen on free? Asked before anything is started."""

import errno
import socket

from mesh.daemon.failure import Failure
from mesh.daemon.home import Settings


def require_free(settings: Settings) -> None:
    """Raises Failure that names the first address in use and the option that chooses another."""
    wanted = [
        (settings.address, settings.gateway_port, "the gateway", "--gateway-port"),
        (settings.address, settings.gateway_https_port, "the gateway's HTTPS", "--gateway-https-port"),
    ]
    if settings.api_port:
        wanted.append(("127.0.0.1", settings.api_port, "the API", "--api-port"))
    for address, port, what, option in wanted:
        problem = why_not(address, port)
        if problem:
            raise Failure(
                f"{address}:{port} ({what}) cannot be used: {problem}",
                f"choose another port with {option}, or another loopback address with --address 127.0.0.2",
            )


def why_not(address: str, port: int) -> str:
    """Why nothing can listen there now; "" when something can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, port))
            tried.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "another program listens there"
            return error.strerror or str(error)
    return ""

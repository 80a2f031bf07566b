"""Which protocol a Service's port speaks, selected as Istio does it (istio.io, "Protocol Selection").

The port's `appProtocol` decides, else the first word of its name, else what the first bytes of a connection are.
"""

from enum import Enum

from mesh.resources.core.service import ServicePort


class Wire(Enum):
    """What passes through a port. DETECT leaves it to each connection: HTTP by the rules, anything else as bytes."""

    HTTP = "http"
    HTTP2 = "http2"
    TCP = "tcp"
    TLS = "tls"
    UDP = "udp"
    DETECT = "detect"


# Istio's protocols (pkg/config/protocol), by the word that selects them. `h2c` is ours: Istio knows it as an
# appProtocol of Kubernetes' alone.
WORDS = {
    "http": Wire.HTTP,
    "http_proxy": Wire.HTTP,
    "http2": Wire.HTTP2,
    "h2c": Wire.HTTP2,
    "grpc": Wire.HTTP2,
    "grpc-web": Wire.HTTP2,
    "https": Wire.TLS,
    "tls": Wire.TLS,
    "tcp": Wire.TCP,
    "mongo": Wire.TCP,
    "mysql": Wire.TCP,
    "redis": Wire.TCP,
    "udp": Wire.UDP,
}
# Kubernetes' own names for application protocols (KEP-3726).
APP_PROTOCOLS = {"kubernetes.io/h2c": Wire.HTTP2, "kubernetes.io/ws": Wire.HTTP, "kubernetes.io/wss": Wire.TLS}
# SMTP, DNS, MySQL, MongoDB: there the server may speak first, and detection would wait for a client that waits, too.
SERVER_FIRST = frozenset((25, 53, 3306, 27017))


def wire_of(port: ServicePort) -> Wire:
    """The protocol of a port; DETECT when neither its `appProtocol` nor its name is one."""
    if port.protocol == "UDP":
        return Wire.UDP
    selected = APP_PROTOCOLS.get(port.app_protocol.lower()) or _by_word(port.app_protocol or port.name)
    if selected is Wire.UDP:
        # A TCP port whose name says udp: Istio does not believe it.
        return Wire.TCP
    if selected is None:
        return Wire.TCP if port.port in SERVER_FIRST else Wire.DETECT
    return selected


def _by_word(name: str) -> Wire | None:
    """`grpc-web` is the one protocol with a hyphen; in every other name what follows a hyphen is the user's."""
    lowered = name.lower()
    return WORDS.get("grpc-web" if lowered.startswith("grpc-web") else lowered.partition("-")[0])


def may_be_http(port: ServicePort) -> bool:
    """Whether the rules for HTTP hold for what comes to a port."""
    return wire_of(port) in (Wire.HTTP, Wire.HTTP2, Wire.DETECT)


def is_http2(port: ServicePort) -> bool:
    """Whether the pods behind a port speak HTTP/2 and nothing else."""
    return wire_of(port) is Wire.HTTP2


def is_detected(port: ServicePort) -> bool:
    """Whether each connection shows by its first bytes what it is."""
    return wire_of(port) is Wire.DETECT

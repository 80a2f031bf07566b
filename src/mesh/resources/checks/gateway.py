"""What Istio's webhook refuses in a Gateway, and the protocols that are not served here."""

import re
from collections.abc import Iterator

from mesh.resources.istio.gateway import Gateway, Server
from mesh.resources.values.hosts import is_address
from mesh.resources.values.names import wrong_host, wrong_label, wrong_labels, wrong_port, wrong_subdomain
from mesh.resources.values.problems import FieldError, Reason, duplicate, meant, not_supported, required

Errors = Iterator[FieldError]
# How Envoy pins a certificate: the base64 of a hash of its key, or a hash of the whole certificate.
SPKI = re.compile(r"[A-Za-z0-9+/]{43}=")
HASH = re.compile(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}")
PROTOCOLS = ("HTTP", "HTTPS", "GRPC", "GRPC-WEB", "HTTP2", "MONGO", "TCP", "TLS")
SERVED = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP")
MODES = ("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL")
VERSIONS = ("", "TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3")
FILES = ("server_certificate", "private_key", "ca_certificates")


def check_gateway(gateway: Gateway) -> Errors:
    """Everything wrong with a Gateway by itself."""
    if not gateway.spec.servers:
        yield required("spec.servers", "is empty; a Gateway needs at least one server")
    yield from (FieldError(f"spec.selector[{key}]", why) for key, why in wrong_labels(gateway.spec.selector))
    names: set[str] = set()
    for number, server in enumerate(gateway.spec.servers):
        path = f"spec.servers[{number}]"
        yield from _server(server, path)
        if not server.port.name:
            yield required(f"{path}.port.name", 'is missing (for example, "http")')
        elif server.port.name in names:
            yield duplicate(f"{path}.port.name", server.port.name)
        names.add(server.port.name)


def _server(server: Server, path: str) -> Errors:
    if wrong := wrong_port(server.port.number):
        yield FieldError(f"{path}.port.number", wrong)
    protocol = server.port.protocol.upper()
    if protocol not in PROTOCOLS:
        problem = f'"{server.port.protocol[:80]}" is not a protocol' if protocol else "is missing"
        reason = Reason.INVALID if protocol else Reason.REQUIRED
        yield FieldError(f"{path}.port.protocol", problem + meant(protocol, PROTOCOLS), reason=reason)
    elif protocol not in SERVED:
        yield FieldError(f"{path}.port.protocol", f'"{server.port.protocol}" is not supported; use {", ".join(SERVED)}')
    yield from _tls(server, protocol, path)
    if not server.hosts:
        yield required(f"{path}.hosts", 'is empty; "*" matches every host')
    for place, host in enumerate(server.hosts):
        namespace, slash, name = host.rpartition("/")
        wrong = wrong_host(name)
        if slash and namespace not in ("*", ".") and wrong_label(namespace):
            wrong = f'"{namespace[:80]}" is not a namespace, "." (the Gateway\'s own) or "*" (any)'
        if not wrong and name != "*" and "." not in name:
            wrong = f'"{name[:80]}" is a short name; use a full one (for example, "{name[:80]}.mesh.svc.cluster.local")'
        if wrong:
            yield FieldError(f"{path}.hosts[{place}]", wrong)
    if server.bind and not is_address(server.bind):
        yield FieldError(f"{path}.bind", f'"{server.bind[:80]}" is not an IP address')


def _tls(server: Server, protocol: str, path: str) -> Errors:
    tls = server.tls
    if tls is None:
        if protocol in ("HTTPS", "TLS"):
            yield required(f"{path}.tls", f"is missing; {protocol} needs a mode, and SIMPLE a credentialName")
        return
    where = f"{path}.tls"
    if protocol not in ("HTTPS", "TLS"):
        if tls.https_redirect and protocol in ("HTTP", "HTTP2"):
            return
        yield FieldError(where, f"cannot be used with protocol {protocol}; only httpsRedirect can, with HTTP")
        return
    if tls.https_redirect:
        yield FieldError(f"{where}.httpsRedirect", f"needs protocol HTTP; the protocol is {protocol}")
    mode = tls.mode or "PASSTHROUGH"
    if mode not in MODES:
        yield FieldError(f"{where}.mode", f'"{mode[:80]}" is not a mode{meant(mode, MODES)}')
    elif mode in ("AUTO_PASSTHROUGH", "ISTIO_MUTUAL"):
        yield FieldError(f"{where}.mode", f"{mode} needs the certificates of Istio's own pods, which do not exist here")
    elif mode != "PASSTHROUGH":
        yield from _credential(server, where)
    for name, version in (
        ("minProtocolVersion", tls.min_protocol_version),
        ("maxProtocolVersion", tls.max_protocol_version),
    ):
        if version not in VERSIONS:
            yield not_supported(f"{where}.{name}", f'"{version[:80]}" is none of {", ".join(VERSIONS[1:])}')


def _credential(server: Server, path: str) -> Errors:
    tls = server.tls
    if tls is None:
        return
    for name in FILES:
        if getattr(tls, name):
            camel = name.split("_")[0] + "".join(word.capitalize() for word in name.split("_")[1:])
            yield FieldError(f"{path}.{camel}", "is a file of a pod that does not exist here; use credentialName")
    for number, digest in enumerate(tls.verify_certificate_spki):
        if not SPKI.fullmatch(digest):
            yield FieldError(f"{path}.verifyCertificateSpki[{number}]", "is not the base64 of a SHA-256 hash")
    for number, digest in enumerate(tls.verify_certificate_hash):
        if not HASH.fullmatch(digest):
            yield FieldError(f"{path}.verifyCertificateHash[{number}]", "is not a SHA-256 hash in hexadecimal")
    if not tls.credential_name and not tls.credential_names:
        yield required(f"{path}.credentialName", "is missing; it names a Secret of type kubernetes.io/tls")
    if tls.credential_name and tls.credential_names:
        yield FieldError(f"{path}.credentialNames", "cannot be used with credentialName")
    for name in filter(None, (tls.credential_name, *tls.credential_names)):
        if wrong := wrong_subdomain(name):
            yield FieldError(f"{path}.credentialName", wrong)

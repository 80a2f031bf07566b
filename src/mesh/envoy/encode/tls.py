"""TLS that a gateway ends, and TLS that is spoken to a destination, as Envoy's transport sockets."""

from collections.abc import Sequence
from pathlib import Path

from envoy.config.core.v3 import base_pb2
from envoy.extensions.transport_sockets.tls.v3 import common_pb2, tls_pb2

from mesh.envoy.encode.protobuf import packed
from mesh.routing.model.cluster import TlsOrigination
from mesh.routing.model.listener import TlsTermination

SOCKET = "envoy.transport_sockets.tls"
# Where systems keep the certificates that they trust: Debian, Fedora, SUSE, Alpine.
BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
TLS_VERSIONS = {
    "TLSV1_0": common_pb2.TlsParameters.TLSv1_0,
    "TLSV1_1": common_pb2.TlsParameters.TLSv1_1,
    "TLSV1_2": common_pb2.TlsParameters.TLSv1_2,
    "TLSV1_3": common_pb2.TlsParameters.TLSv1_3,
}


def downstream_tls(terminate: TlsTermination) -> base_pb2.TransportSocket:
    """TLS with who calls a gateway."""
    message = tls_pb2.DownstreamTlsContext()
    common = message.common_tls_context
    _add_certificate(common, terminate.certificate, terminate.key)
    if terminate.http:
        common.alpn_protocols.extend(("h2", "http/1.1"))
    if terminate.authority:
        common.validation_context.trusted_ca.inline_string = terminate.authority
        message.require_client_certificate.value = terminate.require_client
        if terminate.accept_untrusted:
            context = common_pb2.CertificateValidationContext
            common.validation_context.trust_chain_verification = context.ACCEPT_UNTRUSTED
        common.validation_context.verify_certificate_spki.extend(terminate.spki)
        common.validation_context.verify_certificate_hash.extend(terminate.hashes)
        _add_names(common.validation_context, terminate.names)
    parameters = common.tls_params
    parameters.tls_minimum_protocol_version = TLS_VERSIONS.get(terminate.least, TLS_VERSIONS["TLSV1_2"])
    if terminate.most in TLS_VERSIONS:
        parameters.tls_maximum_protocol_version = TLS_VERSIONS[terminate.most]
    parameters.cipher_suites.extend(terminate.ciphers)
    return _socket(message)


def upstream_tls(originate: TlsOrigination, *, http2: bool) -> base_pb2.TransportSocket:
    """TLS with a destination."""
    message = tls_pb2.UpstreamTlsContext(sni=originate.sni)
    common = message.common_tls_context
    common.alpn_protocols.append("h2" if http2 else "http/1.1")
    if originate.certificate:
        _add_certificate(common, originate.certificate, originate.key)
    if originate.verify:
        if originate.authority:
            common.validation_context.trusted_ca.inline_string = originate.authority
        elif bundle := next((path for path in BUNDLES if path.is_file()), None):
            common.validation_context.trusted_ca.filename = str(bundle)
        else:
            # This machine trusts nobody: no certificate is the one of this hash.
            common.validation_context.verify_certificate_hash.append("0" * 64)
            return _socket(message)
        _add_names(common.validation_context, originate.names)
    return _socket(message)


def _add_certificate(common: tls_pb2.CommonTlsContext, certificate: str, key: str) -> None:
    added = common.tls_certificates.add()
    added.certificate_chain.inline_string = certificate
    added.private_key.inline_string = key


def _add_names(context: common_pb2.CertificateValidationContext, names: Sequence[str]) -> None:
    """A certificate must be for one of the names, as a DNS name or a URI."""
    for kind in (common_pb2.SubjectAltNameMatcher.DNS, common_pb2.SubjectAltNameMatcher.URI):
        for name in names:
            context.match_typed_subject_alt_names.add(san_type=kind).matcher.exact = name


def _socket(message: tls_pb2.DownstreamTlsContext | tls_pb2.UpstreamTlsContext) -> base_pb2.TransportSocket:
    return base_pb2.TransportSocket(name=SOCKET, typed_config=packed(message))

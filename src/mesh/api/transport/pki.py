"""The certificates of the API: an authority of the mesh's own, and certificates of server and client from it.

Importing `cryptography` takes longer than everything else at a start, so that this module is imported only when
certificates are made.
"""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mesh.api.transport.private import write_private

LIFE = datetime.timedelta(days=397)
# A clock that is set back, by a virtual machine's snapshot for example, must not end every connection to the API.
BEFORE = datetime.timedelta(days=3650)
DNS_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
# The last one is where pods in namespaces find it (KUBERNETES_SERVICE_HOST).
ADDRESSES = ("127.0.0.1", "::1", "10.96.0.1")


def make(folder: Path, host: str, now: datetime.datetime) -> datetime.datetime:
    """Writes ca.crt, server.crt and server.key, client.crt and client.key into `folder`; returns when they expire.

    The authority's key signs once and is discarded. Raises OSError.
    """
    ends = now + LIFE
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key, now, ends)
    pem = serialization.Encoding.PEM
    write_private(folder / "ca.crt", authority.public_bytes(pem))
    for name, purpose, names in (
        ("server", ExtendedKeyUsageOID.SERVER_AUTH, _names(host)),
        ("client", ExtendedKeyUsageOID.CLIENT_AUTH, [x509.DNSName("meshmall")]),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder("mesh-mall" if name == "server" else "meshmall", key, now, ends)
            .issuer_name(authority.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_private(folder / f"{name}.key", private)
        write_private(folder / f"{name}.crt", certificate.public_bytes(pem))
    return ends


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, now: datetime.datetime, ends: datetime.datetime
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime.datetime, ends: datetime.datetime) -> x509.Certificate:
    name = "mesh-mall authority"
    return (
        _builder(name, key, now, ends)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _names(host: str) -> list[x509.GeneralName]:
    dns = list(DNS_NAMES)
    addresses = {ipaddress.ip_address(address) for address in ADDRESSES}
    try:
        addresses.add(ipaddress.ip_address(host))
    except ValueError:
        dns.append(host)
    return [
        *(x509.DNSName(name) for name in dict.fromkeys(dns)),
        *(x509.IPAddress(address) for address in sorted(addresses, key=str)),
    ]

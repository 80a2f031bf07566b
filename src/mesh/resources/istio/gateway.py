"""Gateway (Istio networking.istio.io)."""

from msgspec import field

from mesh.resources.istio.common import IstioStatus
from mesh.resources.values.meta import Part, Resource


class Port(Part, frozen=True):
    number: int
    protocol: str = ""
    name: str = ""
    target_port: int = 0


class ServerTLSSettings(Part, frozen=True):
    https_redirect: bool = False
    mode: str = ""
    server_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    ca_crl: str = ""
    ca_cert_credential_name: str = ""
    credential_name: str = ""
    credential_names: list[str] = []
    subject_alt_names: list[str] = []
    verify_certificate_spki: list[str] = []
    verify_certificate_hash: list[str] = []
    min_protocol_version: str = ""
    max_protocol_version: str = ""
    cipher_suites: list[str] = []


class Server(Part, frozen=True):
    """`hosts` may begin with a namespace: `mesh/*.example.com`."""

    port: Port
    hosts: list[str] = []
    tls: ServerTLSSettings | None = None
    name: str = ""
    bind: str = ""
    default_endpoint: str = ""


class GatewaySpec(Part, frozen=True):
    servers: list[Server] = []
    selector: dict[str, str] = {}


class Gateway(Resource, frozen=True):
    spec: GatewaySpec = field(default_factory=GatewaySpec)
    status: IstioStatus = field(default_factory=IstioStatus)

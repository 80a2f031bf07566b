"""Gateway.spec.tls: which clients a gateway lets in, and who it is for backends (gateway.networking.k8s.io)."""

from msgspec import field

from mesh.resources.gateway_api.references import ObjectReference, SecretObjectReference
from mesh.resources.values.meta import Part

# A client without a certificate, or with one that cannot be verified, is let in all the same.
INSECURE_FALLBACK = "AllowInsecureFallback"
VALID_ONLY = "AllowValidOnly"


class FrontendTLSValidation(Part, frozen=True):
    """`mode` is AllowValidOnly or AllowInsecureFallback."""

    ca_certificate_refs: list[ObjectReference]
    mode: str = VALID_ONLY


class TLSConfig(Part, frozen=True):
    validation: FrontendTLSValidation | None = None


class TLSPortConfig(Part, frozen=True):
    port: int
    tls: TLSConfig


class FrontendTLSConfig(Part, frozen=True):
    """What a port's own entry says replaces the default as a whole."""

    default: TLSConfig
    per_port: list[TLSPortConfig] = []

    def of_port(self, port: int) -> FrontendTLSValidation | None:
        """How clients' certificates are checked at a port; None where they are not asked for."""
        return next((entry.tls for entry in self.per_port if entry.port == port), self.default).validation


class GatewayBackendTLS(Part, frozen=True):
    client_certificate_ref: SecretObjectReference | None = None


class GatewayTLSConfig(Part, frozen=True):
    backend: GatewayBackendTLS = field(default_factory=GatewayBackendTLS)
    frontend: FrontendTLSConfig | None = None

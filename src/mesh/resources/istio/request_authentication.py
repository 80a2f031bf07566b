"""RequestAuthentication (Istio security.istio.io): which tokens (JWT, RFC 7519) a workload accepts.

A request without a token passes unless the rule requires one; an invalid token gets 401. AuthorizationPolicies decide
by a token's claims.
"""

from typing import Any

from msgspec import field

from mesh.resources.istio.authorization_policy import WorkloadSelector
from mesh.resources.istio.common import IstioStatus
from mesh.resources.values.meta import Part, Resource


class JWTHeader(Part, frozen=True):
    """A header that may carry a token, after `prefix`."""

    name: str
    prefix: str = ""


class ClaimToHeader(Part, frozen=True):
    """`claim` may name a nested one: `address.country`."""

    header: str
    claim: str


class JWTRule(Part, frozen=True):
    """Tokens of one issuer. Keys are a JSON Web Key Set (RFC 7517): `jwks` as text, or fetched from `jwks_uri`.

    With `presence` REQUIRED a request without such a token is refused too.
    """

    issuer: str = ""
    audiences: list[str] = []
    jwks_uri: str = field(name="jwksUri", default="")
    jwks_uri_old: str = field(name="jwks_uri", default="")
    jwks: str = ""
    from_headers: list[JWTHeader] = []
    from_params: list[str] = []
    from_cookies: list[str] = []
    output_payload_to_header: str = ""
    forward_original_token: bool = False
    output_claim_to_headers: list[ClaimToHeader] = []
    space_delimited_claims: list[str] = []
    timeout: str = ""
    presence: str = "OPTIONAL"

    @property
    def uri(self) -> str:
        """Where the keys are fetched; "" when the rule contains them."""
        return "" if self.jwks else self.jwks_uri or self.jwks_uri_old


class RequestAuthenticationSpec(Part, frozen=True):
    selector: WorkloadSelector | None = None
    target_ref: dict[str, Any] | None = None
    target_refs: list[dict[str, Any]] = []
    jwt_rules: list[JWTRule] = []


class RequestAuthentication(Resource, frozen=True):
    spec: RequestAuthenticationSpec = field(default_factory=RequestAuthenticationSpec)
    status: IstioStatus = field(default_factory=IstioStatus)

"""What is refused in a RequestAuthentication: what Istio's webhook refuses, and keys that cannot verify any token."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mesh.resources.istio.request_authentication import JWTRule, RequestAuthentication
from mesh.resources.values.durations import wrong_duration
from mesh.resources.values.names import HEADER, wrong_labels
from mesh.resources.values.problems import FieldError, meant, not_supported, required

Errors = Iterator[FieldError]
MOST_CLAIMS = 64
PRESENCES = ("OPTIONAL", "REQUIRED")
# The members that a key of a type must have (RFC 7518, RFC 8037).
MEMBERS: Mapping[str, tuple[str, ...]] = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",), "oct": ("k",)}
# The curves of a type, and the bytes of a coordinate on each.
CURVES: Mapping[str, Mapping[str, int]] = {"EC": {"P-256": 32, "P-384": 48, "P-521": 66}, "OKP": {"Ed25519": 32}}
SMALLEST_RSA = 128


def check_request_authentication(authentication: RequestAuthentication) -> Errors:
    """Everything wrong with a RequestAuthentication by itself."""
    spec = authentication.spec
    if spec.selector is not None:
        for key, why in wrong_labels(spec.selector.match_labels):
            yield FieldError(f"spec.selector.matchLabels[{key}]", why)
    for number, rule in enumerate(spec.jwt_rules):
        yield from _rule(rule, f"spec.jwtRules[{number}]")


def _rule(rule: JWTRule, path: str) -> Errors:
    if not rule.issuer:
        yield required(f"{path}.issuer", "is missing; it is the iss claim of the tokens")
    yield from (required(f"{path}.audiences[{n}]", "is empty") for n, entry in enumerate(rule.audiences) if not entry)
    if rule.jwks and (rule.jwks_uri or rule.jwks_uri_old):
        yield FieldError(f"{path}.jwks", "cannot be used with jwksUri")
    elif rule.jwks:
        if wrong := wrong_keys(rule.jwks):
            yield FieldError(f"{path}.jwks", wrong)
    elif not rule.uri:
        yield FieldError(
            f"{path}.jwks",
            "is missing, and so is jwksUri; the issuer is not asked where its keys are (no discovery here)",
        )
    elif urlsplit(rule.uri).scheme not in ("http", "https") or not urlsplit(rule.uri).hostname:
        yield FieldError(
            f"{path}.jwksUri", f'"{rule.uri[:200]}" is not an HTTP URL (for example, "https://example.com/keys")'
        )
    headers = [(f"fromHeaders[{n}].name", entry.name) for n, entry in enumerate(rule.from_headers)]
    headers += [
        (f"outputClaimToHeaders[{n}].header", entry.header) for n, entry in enumerate(rule.output_claim_to_headers)
    ]
    if rule.output_payload_to_header:
        headers.append(("outputPayloadToHeader", rule.output_payload_to_header))
    for name, value in headers:
        if not HEADER.fullmatch(value):
            yield FieldError(f"{path}.{name}", f'"{value[:80]}" is not a header\'s name')
    texts = [(f"fromParams[{n}]", entry) for n, entry in enumerate(rule.from_params)]
    texts += [(f"fromCookies[{n}]", entry) for n, entry in enumerate(rule.from_cookies)]
    texts += [(f"outputClaimToHeaders[{n}].claim", entry.claim) for n, entry in enumerate(rule.output_claim_to_headers)]
    texts += [(f"spaceDelimitedClaims[{n}]", entry) for n, entry in enumerate(rule.space_delimited_claims)]
    yield from (required(f"{path}.{name}", "is empty") for name, value in texts if not value)
    if len(rule.space_delimited_claims) > MOST_CLAIMS:
        yield FieldError(f"{path}.spaceDelimitedClaims", f"{len(rule.space_delimited_claims)}; at most {MOST_CLAIMS}")
    if rule.presence not in PRESENCES:
        yield not_supported(
            f"{path}.presence", f'"{rule.presence[:80]}" is not valid here{meant(rule.presence, PRESENCES)}'
        )
    if rule.timeout:
        yield from wrong_duration(rule.timeout, f"{path}.timeout", positive=True)


def wrong_keys(text: str) -> str:
    """What is wrong with a JSON Web Key Set; "" when it can verify tokens."""
    try:
        parsed = json.loads(text)
    except ValueError as error:
        return f"is not JSON: {error}"
    keys = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(keys, list):
        return 'is not a key set (for example, {"keys": [{"kty": "RSA", "n": ..., "e": ...}]})'
    usable = 0
    for number, key in enumerate(keys):
        if not isinstance(key, dict) or not isinstance(key.get("kty"), str):
            return f"keys[{number}]: has no kty (one of {', '.join(MEMBERS)})"
        # Envoy ignores keys of unknown types, as RFC 7517 requires.
        if key["kty"] in MEMBERS:
            if wrong := _wrong_key(key):
                return f"keys[{number}]: {wrong}"
            usable += 1
    return "" if usable else f"contains no key of a supported type ({', '.join(MEMBERS)})"


def _wrong_key(key: Mapping[str, Any]) -> str:
    kind = key["kty"]
    if kind in CURVES and key.get("crv") not in CURVES[kind]:
        return f"crv is {str(key.get('crv'))[:40]!r}, not one of {', '.join(CURVES[kind])}"
    for name in MEMBERS[kind]:
        value = key.get(name)
        if not isinstance(value, str) or not value:
            return f"has no {name}, which a key of type {kind} needs"
        try:
            length = len(base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True))
        except (binascii.Error, ValueError):
            return f"{name} is not base64url"
        if (kind, name) == ("RSA", "n") and length < SMALLEST_RSA:
            return f"n has {length} bytes; a key of type RSA has at least {SMALLEST_RSA}"
        if kind in CURVES and length != CURVES[kind][key["crv"]]:
            return f"{name} has {length} bytes; {key['crv']} has {CURVES[kind][key['crv']]}"
    return ""

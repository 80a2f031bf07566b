"""Certificates in Secrets: what Gateways and clients of TLS can use of them."""

import base64
import binascii
from collections.abc import Mapping

from mesh.resources.core.config import Secret

# Where a Secret has certificate and key: Kubernetes' type kubernetes.io/tls, and Istio's older names.
PAIRS = (("tls.crt", "tls.key"), ("cert", "key"))


def authority_of(secret: Secret) -> str:
    """The certificates of who is trusted, in PEM; "" when the Secret holds none."""
    return _text(secret.data, "ca.crt", "cacert")


def certificate_of(secret: Secret) -> tuple[str, str] | None:
    """Certificate and key in PEM; None when the Secret holds no such pair."""
    for certificate, key in PAIRS:
        pair = _text(secret.data, certificate), _text(secret.data, key)
        if all(pair):
            return pair
    return None


def _text(data: Mapping[str, str], *names: str) -> str:
    for name in names:
        try:
            text = base64.b64decode(data.get(name, "")).decode()
        except (binascii.Error, ValueError):
            continue
        if text.lstrip().startswith("-----BEGIN"):
            return text
    return ""

"""Certificates in Secrets and ConfigMaps: what Gateways and clients of TLS can use of them."""

import base64
import binascii
import re
from collections.abc import Mapping

from mesh.resources.core.config import ConfigMap, Secret

AUTHORITY = "ca.crt"
# Where a Secret has certificate and key: Kubernetes' type kubernetes.io/tls, and Istio's older names.
PAIRS = (("tls.crt", "tls.key"), ("cert", "key"))


def authority_of(secret: Secret) -> str:
    """The certificates of who is trusted, in PEM; "" when the Secret holds none."""
    return _text(secret.data, AUTHORITY, "cacert")


def authority_text(config_map: ConfigMap) -> str:
    """The certificates of who is trusted, in PEM; "" when the ConfigMap has none."""
    text = config_map.data.get(AUTHORITY, "")
    return text if _is_certificate(text) else ""


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


def _is_certificate(text: str) -> bool:
    """Whether it is PEM of certificates whose contents can be decoded: Envoy refuses anything else."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", text, re.DOTALL)
    try:
        return bool(blocks) and all(base64.b64decode("".join(block.split()), validate=True) for block in blocks)
    except (binascii.Error, ValueError):
        return False

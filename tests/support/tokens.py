"""Tokens (RFC 7519) and the keys that they are held to, made with the reference library for cryptography."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

LATER = 4_000_000_000


def text(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Issuer:
    """Who signs tokens: RS256 with one key."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def jwks(self) -> str:
        """The public key as a JSON Web Key Set."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "kid": self.name, "n": text(numbers.n.to_bytes(256)), "e": text(numbers.e.to_bytes(3))}
        return json.dumps({"keys": [key]})

    def token(self, **claims: Any) -> str:
        """A signed token; `iss`, `sub` and `exp` are said unless given."""
        said = {"iss": self.name, "sub": "fox", "exp": LATER, **claims}
        head = {"alg": "RS256", "typ": "JWT", "kid": self.name}
        signed = ".".join(text(json.dumps(part).encode()) for part in (head, said))
        return f"{signed}.{text(self._key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"

"""Who we are to a push service (RFC 8292): a signed statement for its origin."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from casenet.config import Config

LIFE_SECONDS = 12 * 3600  # RFC 8292 allows at most 24 hours


def authorization(settings: Config, origin: str) -> str:
    """The Authorization header for the push service at `origin` (scheme://host of its endpoint)."""
    claims = {"aud": origin, "exp": int(time.time()) + LIFE_SECONDS, "sub": settings.vapid_subject}
    signed = f"{_json({'typ': 'JWT', 'alg': 'ES256'})}.{_json(claims)}"
    r, s = decode_dss_signature(
        _key(settings.vapid_private_key).sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    )
    signature = _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={settings.vapid_public_key}"


@cache
def _key(private_key: str) -> ec.EllipticCurvePrivateKey:
    raw = urlsafe_b64decode(private_key + "=" * (-len(private_key) % 4))
    return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())


def _json(value: Mapping[str, object]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()

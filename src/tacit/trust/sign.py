"""Signatures with a party's own key, checked against the certificate that the others pinned.

Source   ECDSA over P-256 with SHA-256 (FIPS 186-5); `identity.create` makes the keys.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tacit.trust.identity import Identity, certificate_at
from tacit.trust.vault import read_private

_CONTEXT = b"tacit signature 1\0"
"""Keeps what is signed here apart from what TLS signs with the same key."""


def sign(identity: Identity, message: bytes) -> bytes:
    """A signature of at most 72 bytes. Raises UsageError VAULT-0003, VAULT-0006 as `read_private`."""
    key = serialization.load_pem_private_key(read_private(identity.private_key_path), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(_CONTEXT + message, ec.ECDSA(hashes.SHA256()))


def signed_by(certificate_path: Path, signature: bytes, message: bytes) -> bool:
    """Whether the holder of this certificate signed. Raises UsageError IDENTITY-0005 if it cannot be read."""
    key = certificate_at(certificate_path).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, _CONTEXT + message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True

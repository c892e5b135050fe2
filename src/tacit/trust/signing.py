"""Signatures with the key of an identity, checked against the certificate that others have pinned."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tacit.trust.identity import Identity
from tacit.trust.vault import read_private

SIGNATURE_BYTES = 64
_SCHEME = ec.ECDSA(hashes.SHA256())
_CONTEXT = b"tacit signature 1\0"


def sign(identity: Identity, purpose: str, content: bytes) -> bytes:
    """ECDSA on P-256 of `content` for this `purpose`: r and s, 32 bytes each."""
    key = serialization.load_pem_private_key(read_private(identity.private_key_path), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(_message(purpose, content), _SCHEME))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def is_signed(certificate: Path, purpose: str, content: bytes, signature: bytes) -> bool:
    """Whether the owner of `certificate` signed `content` for this `purpose`."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(signature) != SIGNATURE_BYTES:
        return False
    r, s = (int.from_bytes(signature[k : k + 32], "big") for k in (0, 32))
    try:
        key.verify(encode_dss_signature(r, s), _message(purpose, content), _SCHEME)
    except InvalidSignature:
        return False
    return True


def _message(purpose: str, content: bytes) -> bytes:
    return _CONTEXT + purpose.encode() + b"\0" + content

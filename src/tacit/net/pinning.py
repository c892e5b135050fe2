"""Who is at the other end: pinned certificates, compared byte for byte by their SHA-256.

A party's certificate may be self-signed or issued by anybody: only the pinned one is accepted, so no
authority can vouch for another. The listener demands a certificate during the handshake (CERT_REQUIRED with
the pinned ones as the only anchors) and both sides compare fingerprints after it. Works with leaf
certificates with or without basicConstraints (VERIFY_X509_PARTIAL_CHAIN). Validity dates do count, and if
there is an extended key usage it must name both server and client.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tacit.base.errors import TransportError, UsageError


@dataclass(frozen=True)
class TlsIdentity:
    """My certificate and its private key, two PEM files; the key unencrypted."""

    certificate_path: Path | str
    key_path: Path | str


@dataclass(frozen=True)
class Endpoint:
    """Me: my party number, the address on which I listen for higher numbers, my identity."""

    party: int
    host: str
    port: int
    identity: TlsIdentity


@dataclass(frozen=True)
class PeerAddress:
    """A peer: its number, where a lower-numbered one listens, its pinned certificate (a PEM file).

    `fingerprint`, if given, is the SHA-256 (hex) that the file must have, e.g. from the signed contract.
    """

    party: int
    host: str
    port: int
    certificate_path: Path | str
    fingerprint: str = ""


def fingerprint(der: bytes) -> str:
    """SHA-256 of a DER certificate, 64 hexadecimal digits."""
    return hashlib.sha256(der).hexdigest()


def read_pem(path: Path | str) -> str:
    """The text of the PEM file at `path`, which holds exactly one certificate. Raises UsageError NET-0008."""
    try:
        pem = Path(path).read_text(encoding="ascii").strip()
        ssl.PEM_cert_to_DER_cert(pem)
    except (OSError, ValueError) as error:
        raise _unreadable(path, "certificate", error) from None
    return pem


def file_fingerprint(path: Path | str) -> str:
    """Fingerprint of the certificate file at `path`. Raises UsageError NET-0008."""
    return fingerprint(ssl.PEM_cert_to_DER_cert(read_pem(path)))


def pinned_fingerprint(peer: PeerAddress) -> str:
    """What `peer` must present. Raises TransportError NET-0005 if its file is not the one agreed on."""
    found = file_fingerprint(peer.certificate_path)
    agreed = peer.fingerprint.replace(":", "").lower()
    if agreed and agreed != found:
        raise wrong_certificate(peer.party, found, agreed, "the configured certificate file is another one")
    return found


def wrong_certificate(party: int, presented: str, pinned: str, reason: str) -> TransportError:
    """NET-0005 naming the party and both fingerprints."""
    return TransportError(
        "NET-0005",
        f"wrong certificate of party {party}: presented sha256 {presented}, "
        f"pinned sha256 {pinned} ({reason})",
        hint=f"ask party {party} for its current certificate over a channel that you trust, "
        "and compare fingerprints",
    )


def refused_certificate(party: int, own: str, reason: str) -> TransportError:
    """NET-0005 on the side whose certificate was refused."""
    return TransportError(
        "NET-0005",
        f"party {party} refused our certificate: presented sha256 {own}, "
        f"pinned there is another one ({reason})",
        hint=f"send your certificate to party {party} over a channel that you trust; "
        "the fingerprints must agree",
    )


def server_context(identity: TlsIdentity, peers: Sequence[PeerAddress]) -> ssl.SSLContext:
    """TLS 1.3 only, for listening to `peers`. Raises UsageError NET-0008."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, identity, peers)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # no resumption, and nothing to read on a connection that is only written to
    return context


def client_context(identity: TlsIdentity, peers: Sequence[PeerAddress]) -> ssl.SSLContext:
    """TLS 1.3 only, for dialing `peers`, of whom each must be seen to present its own certificate.

    Raises: UsageError NET-0008.
    """
    return _context(ssl.PROTOCOL_TLS_CLIENT, identity, peers)


def probe_context() -> ssl.SSLContext:
    """For looking at a certificate that was refused, to name it. Carries no data and no identity of ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _context(kind: int, identity: TlsIdentity, peers: Sequence[PeerAddress]) -> ssl.SSLContext:
    context = ssl.SSLContext(kind)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the pin says more than a name
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        # a password is given so that OpenSSL never asks for one on the terminal
        context.load_cert_chain(identity.certificate_path, identity.key_path, password="")
    except (OSError, ValueError) as error:
        raise _unreadable(identity.certificate_path, "certificate and key", error) from None
    for peer in peers:
        context.load_verify_locations(cadata=read_pem(peer.certificate_path))
    return context


def _unreadable(path: Path | str, what: str, error: Exception) -> UsageError:
    if isinstance(error, ssl.SSLError):
        reason = error.reason or "not what OpenSSL expects"
    elif isinstance(error, OSError):
        reason = error.strerror or "cannot be opened"
    else:
        reason = "not one PEM certificate"
    return UsageError(
        "NET-0008",
        f"cannot use the {what} file {Path(path).name!r}: {reason}",
        hint="name two PEM files: one certificate, and its unencrypted private key",
    )

"""A party's identity: one key, one self-signed certificate that others pin, one vault key."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tacit.base.errors import UsageError
from tacit.base.prg import fresh_entropy
from tacit.trust.vault import VAULT_KEY_BYTES, VAULT_KEY_FILE, read_private, write_private

CERTIFICATE_FILE = "certificate.pem"
PRIVATE_KEY_FILE = "private_key.pem"
VALID_YEARS = 10
NAME_LIMIT = 64


@dataclass(frozen=True)
class Identity:
    """Where a party's keys lie; it holds no key itself. `fingerprint`: grouped, for reading aloud."""

    name: str
    home: Path
    certificate_path: Path
    private_key_path: Path
    vault_key_path: Path
    fingerprint: str


def create(home: Path, name: str) -> Identity:
    """Make `home` (0700) with a new key, certificate (P-256, CN = `name`, 10 years) and vault key.

    Never overwrites. Raises UsageError IDENTITY-0001 if there is an identity, or part of one, already,
    IDENTITY-0002 for a name that cannot be used, IDENTITY-0004 if others may write to `home`.
    """
    if not 1 <= len(name) <= NAME_LIMIT or not name.isprintable() or name != name.strip():
        raise UsageError(
            "IDENTITY-0002",
            f"a party's name has 1 to {NAME_LIMIT} printable characters and no spaces at its ends",
            hint="choose a short name, for example: bank",
        )
    _make_home(home)
    existing = [
        file for file in (PRIVATE_KEY_FILE, VAULT_KEY_FILE, CERTIFICATE_FILE) if (home / file).exists()
    ]
    if existing:
        raise UsageError(
            "IDENTITY-0001",
            f"{str(home)!r} holds an identity already ({', '.join(existing)})",
            hint="use it, or give another --home; to start anew, move the old folder away",
        )
    key = ec.generate_private_key(ec.SECP256R1())
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(home / PRIVATE_KEY_FILE, pkcs8, replace=False)
    write_private(home / VAULT_KEY_FILE, fresh_entropy(VAULT_KEY_BYTES), replace=False)
    pem = _self_signed(key, name).public_bytes(serialization.Encoding.PEM)
    # Written last: a folder with a certificate holds a whole identity.
    write_private(home / CERTIFICATE_FILE, pem, replace=False)
    return load(home)


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            "IDENTITY-0004", f"{str(home)!r} cannot be made: {error.strerror}", hint="choose another --home"
        ) from None
    _check_home(home)


def _check_home(home: Path) -> None:
    if home.stat().st_mode & 0o022:
        raise UsageError(
            "IDENTITY-0004",
            f"other users of this machine may write to {str(home)!r}",
            hint=f"chmod 700 {str(home)!r}",
        )


def _self_signed(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    """An end-entity certificate, so that it vouches for nobody but itself where it is pinned."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    # A peer's clock may be behind.
    start = now - datetime.timedelta(days=1)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(now + datetime.timedelta(days=365 * VALID_YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(purposes, critical=False)
        .add_extension(key_id, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        .sign(key, hashes.SHA256())
    )


def load(home: Path) -> Identity:
    """The identity in `home`. Raises UsageError IDENTITY-0003 if it is incomplete, damaged or expired,
    IDENTITY-0004 if others may write to `home`, VAULT-0006 if others may read its keys."""
    paths = [home / file for file in (CERTIFICATE_FILE, PRIVATE_KEY_FILE, VAULT_KEY_FILE)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise UsageError(
            "IDENTITY-0003",
            f"{str(home)!r} holds no identity: {', '.join(missing)} missing",
            hint=f"run: tacit init --home {str(home)!r}",
        )
    _check_home(home)
    certificate = _certificate(paths[0])
    pkcs8 = read_private(paths[1])
    try:
        key = serialization.load_pem_private_key(pkcs8, password=None)
    except ValueError:
        raise _damaged(paths[1]) from None
    if key.public_key() != certificate.public_key():
        raise _damaged(paths[1])
    if len(read_private(paths[2])) != VAULT_KEY_BYTES:
        raise _damaged(paths[2])
    if certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise UsageError(
            "IDENTITY-0003",
            f"the certificate in {str(home)!r} has expired",
            hint="make a new identity and send its fingerprint to the other parties",
        )
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise _damaged(paths[0])
    return Identity(str(names[0].value), home, paths[0], paths[1], paths[2], fingerprint(paths[0]))


def _damaged(path: Path) -> UsageError:
    return UsageError(
        "IDENTITY-0003", f"{str(path)!r} is damaged or does not belong here", hint="restore it from a backup"
    )


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        raise UsageError(
            "IDENTITY-0005",
            f"{str(path)!r} is not a certificate that can be read",
            hint="give the certificate.pem that tacit init made",
        ) from None


def fingerprint_hex(certificate_path: Path) -> str:
    """SHA-256 of the certificate's DER form, 64 lower-case hex digits. Raises UsageError IDENTITY-0005."""
    der = _certificate(certificate_path).public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def fingerprint(certificate_path: Path) -> str:
    """`fingerprint_hex` in 16 groups of four with colons between, for reading aloud."""
    exact = fingerprint_hex(certificate_path)
    return ":".join(exact[i : i + 4] for i in range(0, len(exact), 4))

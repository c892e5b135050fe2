"""An identity is made once, is private, and is its own trust anchor on both ends of a TLS link."""

import datetime
import hashlib
import ssl
import stat
import threading
from pathlib import Path
from socket import socketpair

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tacit.base.errors import UsageError
from tacit.trust.identity import Identity, create, fingerprint, fingerprint_hex, load


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(code: str, home: Path, name: str | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(home) if name is None else create(home, name)
    assert caught.value.code == code and caught.value.hint
    return caught.value


@pytest.mark.parametrize("folder", ["a", "deep/with space/银行"])
def test_create_and_load(tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    made = create(home, "bank 甲")
    assert load(home) == made and made.name == "bank 甲" and made.home == home
    assert mode(home) == 0o700
    assert [mode(path) for path in (made.private_key_path, made.vault_key_path)] == [0o600, 0o600]
    assert sorted(path.name for path in home.iterdir()) == ["certificate.pem", "private_key.pem", "vault.key"]
    assert made.private_key_path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert len(made.vault_key_path.read_bytes()) == 32


def test_certificate_fields_and_fingerprint(tmp_path: Path) -> None:
    made = create(tmp_path / "h", "bank")
    certificate = x509.load_pem_x509_certificate(made.certificate_path.read_bytes())
    years = (certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)).days / 365
    assert 9.9 < years <= 10
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    certificate.verify_directly_issued_by(certificate)
    der = ssl.PEM_cert_to_DER_cert(made.certificate_path.read_text())
    assert fingerprint_hex(made.certificate_path) == hashlib.sha256(der).hexdigest()
    assert made.fingerprint == fingerprint(made.certificate_path)
    assert [len(group) for group in made.fingerprint.split(":")] == [4] * 16
    assert made.fingerprint.replace(":", "") == fingerprint_hex(made.certificate_path)


def test_two_identities_share_nothing(tmp_path: Path) -> None:
    first, second = create(tmp_path / "a", "x"), create(tmp_path / "b", "x")
    assert first.fingerprint != second.fingerprint
    assert first.vault_key_path.read_bytes() != second.vault_key_path.read_bytes()


def test_never_overwrites(tmp_path: Path) -> None:
    made = create(tmp_path / "h", "bank")
    before = {path: path.read_bytes() for path in made.home.iterdir()}
    refused("IDENTITY-0001", made.home, "other")
    assert {path: path.read_bytes() for path in made.home.iterdir()} == before
    made.certificate_path.unlink()
    refused("IDENTITY-0001", made.home, "bank")
    assert "certificate.pem missing" in refused("IDENTITY-0003", made.home).message


@pytest.mark.parametrize("name", ["", " bank", "b" * 65, "a\nb", "a\x00"])
def test_unusable_names(tmp_path: Path, name: str) -> None:
    refused("IDENTITY-0002", tmp_path / "h", name)
    assert not (tmp_path / "h").exists()


def test_folders_that_will_not_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused("IDENTITY-0004", tmp_path / "file", "bank")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    refused("IDENTITY-0004", tmp_path / "open", "bank")
    assert "tacit init" in refused("IDENTITY-0003", tmp_path / "nowhere").hint


@pytest.mark.parametrize("file", ["private_key.pem", "vault.key"])
@pytest.mark.parametrize("bits", [0o640, 0o604])
def test_keys_that_others_may_read(tmp_path: Path, file: str, bits: int) -> None:
    made = create(tmp_path / "h", "bank")
    (made.home / file).chmod(bits)
    assert file in refused("VAULT-0006", made.home).message


def test_a_home_that_others_may_write_to(tmp_path: Path) -> None:
    made = create(tmp_path / "h", "bank")
    made.home.chmod(0o770)
    refused("IDENTITY-0004", made.home)


def test_damaged_and_mixed_files(tmp_path: Path) -> None:
    first, second = create(tmp_path / "a", "a"), create(tmp_path / "b", "b")
    key = first.private_key_path.read_bytes()
    for damaged in (second.private_key_path.read_bytes(), key[:100], b""):
        first.private_key_path.write_bytes(damaged)
        refused("IDENTITY-0003", first.home)
    first.private_key_path.write_bytes(key)
    first.vault_key_path.write_bytes(bytes(31))
    refused("IDENTITY-0003", first.home)
    first.certificate_path.write_text("no certificate")
    refused("IDENTITY-0005", first.home)
    with pytest.raises(UsageError):
        fingerprint(tmp_path / "no.pem")


def test_no_key_shows_in_the_identity(tmp_path: Path) -> None:
    made = create(tmp_path / "h", "bank")
    key = load_pem_private_key(made.private_key_path.read_bytes(), None)
    secret = key.private_numbers().private_value  # type: ignore[union-attr]
    assert f"{secret:x}" not in repr(made) and str(secret) not in repr(made)


def context(kind: int, own: Identity, pinned: Identity, strict: bool) -> ssl.SSLContext:
    made = ssl.SSLContext(kind)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    if strict:
        made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_cert_chain(own.certificate_path, own.private_key_path)
    made.load_verify_locations(pinned.certificate_path)
    return made


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[bytes | None, Exception | None]:
    """(the server's certificate as the client sees it, what the server side raised)."""
    near, far = socketpair()
    near.settimeout(10)
    far.settimeout(10)
    failures: list[Exception] = []

    def serve() -> None:
        try:
            with server.wrap_socket(far, server_side=True) as link:
                link.sendall(link.recv(1))
        except (OSError, ssl.SSLError) as error:
            failures.append(error)
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near) as link:
            link.sendall(b"x")
            assert link.recv(1) == b"x"
            return link.getpeercert(binary_form=True), None
    except (OSError, AssertionError):
        near.close()
        thread.join()
        return None, failures[0] if failures else None
    finally:
        thread.join()


@pytest.mark.parametrize("strict", [False, True])
def test_pinned_on_both_ends_of_tls_13(tmp_path: Path, strict: bool) -> None:
    bank, partner, stranger = (create(tmp_path / name, name) for name in ("bank", "partner", "stranger"))
    server = context(ssl.PROTOCOL_TLS_SERVER, bank, partner, strict)
    seen, failure = handshake(server, context(ssl.PROTOCOL_TLS_CLIENT, partner, bank, strict))
    assert failure is None and seen is not None
    assert hashlib.sha256(seen).hexdigest() == fingerprint_hex(bank.certificate_path)
    seen, failure = handshake(server, context(ssl.PROTOCOL_TLS_CLIENT, stranger, bank, strict))
    assert seen is None and isinstance(failure, ssl.SSLCertVerificationError)
    seen, _ = handshake(server, context(ssl.PROTOCOL_TLS_CLIENT, partner, stranger, strict))
    assert seen is None


def test_an_identity_vouches_for_no_other_certificate(tmp_path: Path) -> None:
    """A certificate that the pinned key signed is refused: only the pinned one itself counts."""
    bank, partner = create(tmp_path / "bank", "bank"), create(tmp_path / "partner", "partner")
    other = create(tmp_path / "other", "partner")
    issuer = x509.load_pem_x509_certificate(partner.certificate_path.read_bytes())
    subject = x509.load_pem_x509_certificate(other.certificate_path.read_bytes())
    key = load_pem_private_key(partner.private_key_path.read_bytes(), None)
    from cryptography.hazmat.primitives import hashes, serialization

    forged = (
        x509.CertificateBuilder(issuer.subject, subject.subject, subject.public_key(), 77)
        .not_valid_before(subject.not_valid_before_utc)
        .not_valid_after(subject.not_valid_after_utc)
        .sign(key, hashes.SHA256())  # type: ignore[arg-type]
    )
    other.certificate_path.write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    server = context(ssl.PROTOCOL_TLS_SERVER, bank, partner, False)
    seen, failure = handshake(server, context(ssl.PROTOCOL_TLS_CLIENT, other, bank, False))
    assert seen is None and isinstance(failure, ssl.SSLCertVerificationError)

"""Certificates, free ports and a second process for the transport tests."""

from __future__ import annotations

import datetime
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tacit.net.tls import Endpoint, PeerAddress, TlsIdentity

HOST = "127.0.0.1"
PEER_PROGRAM = Path(__file__).with_name("peer_process.py")


def make_identity(folder: Path, name: str, *, days: int = 30) -> TlsIdentity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    start, end = sorted((now - datetime.timedelta(days=1), now + datetime.timedelta(days=days)))
    if days < 0:
        start = end - datetime.timedelta(days=60)
        start, end = start, now - datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(end)
    certificate = builder.sign(key, hashes.SHA256())
    certificate_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return TlsIdentity(certificate_path, key_path)


class Places:
    """Identities and addresses of up to four parties on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identities = [make_identity(folder, f"party{i}") for i in range(4)]
        self.stranger = make_identity(folder, "stranger")
        self.expired = make_identity(folder, "expired", days=-1)
        self.ports = [0, 0, 0, 0]

    def fresh_ports(self) -> None:
        held = [socket.create_server((HOST, 0)) for _ in self.ports]
        self.ports = [sock.getsockname()[1] for sock in held]
        for sock in held:
            sock.close()

    def me(self, i: int, identity: TlsIdentity | None = None) -> Endpoint:
        return Endpoint(i, HOST, self.ports[i], identity or self.identities[i])

    def peer(self, i: int, identity: TlsIdentity | None = None, port: int = 0) -> PeerAddress:
        certificate = (identity or self.identities[i]).certificate_path
        return PeerAddress(i, HOST, port or self.ports[i], certificate)


@pytest.fixture(scope="session")
def made_places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return Places(tmp_path_factory.mktemp("identities"))


@pytest.fixture
def places(made_places: Places) -> Places:
    made_places.fresh_ports()
    return made_places


StartPeer = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_peer(places: Places) -> Iterator[StartPeer]:
    """Start party 1 of two as another process that plays the given scene."""
    started: list[subprocess.Popen[str]] = []

    def start(scene: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(PEER_PROGRAM), scene, str(places.folder), str(places.ports[0])]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)

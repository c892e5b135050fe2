"""Party 1 of two, as a process of its own: plays the scene named on its command line."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np

from tacit.base.errors import TacitError
from tacit.base.transport import Frame
from tacit.net.tls import Endpoint, PeerAddress, TlsIdentity, TlsTransport, connect


async def echo(transport: TlsTransport) -> None:
    """Send back `ping.k` as `pong.k` until a body of length 0 comes."""
    k, limit_bytes = 0, 64 << 20
    while True:
        frame = await transport.recv(f"ping.{k}", 0, 1, limit_bytes=limit_bytes)
        await transport.send(Frame(f"pong.{k}", 1, 0, frame.body, frame.clock + 1))
        if not len(frame.body):
            break
        k += 1
    await transport.close()


async def sink(transport: TlsTransport) -> None:
    """Receive `bulk.k` of 16 MiB each, acknowledge the last with their sum."""
    total, k = 0, 0
    while True:
        frame = await transport.recv(f"bulk.{k}", 0, 1, limit_bytes=16 << 20)
        if not len(frame.body):
            break
        total += int(np.frombuffer(frame.body, dtype=np.uint8)[::4096].sum())
        k += 1
    await transport.send(Frame("sum", 1, 0, total.to_bytes(8, "little"), 0))
    await transport.close()


async def flood(transport: TlsTransport) -> None:
    """Send for ever; to be killed."""
    body = bytes(32 << 20)
    for k in range(1 << 30):
        await transport.send(Frame(f"flood.{k}", 1, 0, body, 0))


async def give_up(transport: TlsTransport) -> None:
    """Abort with a code."""
    await transport.recv("go", 0, 1, limit_bytes=1)
    await transport.close("LIMIT-0003")


SCENES = {"echo": echo, "sink": sink, "flood": flood, "give_up": give_up}


async def main(scene: str, folder: Path, port: int) -> None:
    identity = TlsIdentity(folder / "party1.crt", folder / "party1.key")
    peer = PeerAddress(0, "127.0.0.1", port, folder / "party0.crt")
    transport = await connect(Endpoint(1, "127.0.0.1", 1, identity), peer, timeout_s=20, recv_timeout_s=20)
    try:
        await SCENES[scene](transport)
    except TacitError as error:
        print(error.code, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))

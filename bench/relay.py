"""A shaped link without the kernel's help: `python -m bench.relay PLAN` passes bytes on, late and no faster.

Where netem is missing, every party dials its peers through a relay: one port for each ordered pair. What a
party sends leaves at the rate of its link, whichever peers it goes to, and arrives a delay later. The relay
takes a share of the processor, which at the rate of a LAN is felt: `transport` then says "relayed".
"""

from __future__ import annotations

import json
import queue
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

CHUNK = 1 << 17
QUEUED = 256
"""Chunks on their way in one direction: more than any window of the shapes."""

TRIES = 200


class Egress:
    """When a party's link is free again."""

    def __init__(self, bytes_per_s: float) -> None:
        self._rate, self._free, self._lock = bytes_per_s, 0.0, threading.Lock()

    def leaves(self, n_bytes: int) -> float:
        """The time at which the last of so many bytes has left."""
        with self._lock:
            self._free = max(self._free, time.monotonic()) + n_bytes / self._rate
            return self._free


def pump(source: socket.socket, sink: socket.socket, egress: Egress, delay_s: float) -> None:
    """One direction of a connection, until it ends."""
    line: queue.Queue[tuple[float, bytes]] = queue.Queue(QUEUED)

    def deliver() -> None:
        while True:
            due, data = line.get()
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return

    threading.Thread(target=deliver, daemon=True).start()
    while True:
        try:
            data = source.recv(CHUNK)
        except OSError:
            data = b""
        line.put((egress.leaves(len(data)) + delay_s, data))
        if not data:
            return


def dialled(port: int) -> socket.socket | None:
    """A connection to a party, which may not listen yet."""
    for _ in range(TRIES):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
    return None


def serve(listener: socket.socket, target: int, ways: tuple[Egress, Egress], delay_s: float) -> None:
    """Connections of one ordered pair: from the one who dials to port `target`."""
    while True:
        near, _ = listener.accept()
        far = dialled(target)
        if far is None:
            near.close()
            continue
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink, egress in ((near, far, ways[0]), (far, near, ways[1])):
            threading.Thread(target=pump, args=(source, sink, egress, delay_s), daemon=True).start()


def main(plan: dict[str, Any]) -> None:
    """`plan`: bytes_per_s, delay_s, and pairs [dialer, listener, port here, port there]."""
    parties = {number for pair in plan["pairs"] for number in pair[:2]}
    egress = {number: Egress(plan["bytes_per_s"]) for number in parties}
    for dialer, listener, here, there in plan["pairs"]:
        sock = socket.create_server(("127.0.0.1", here))
        ways = (egress[dialer], egress[listener])
        threading.Thread(target=serve, args=(sock, there, ways, plan["delay_s"]), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))

"""`--net`: plain loopback, or parties in network namespaces of their own behind shaped links.

Each party gets a namespace whose only link, a veth pair to a bridge in a namespace of the bench, is shaped
where it leaves: both directions have the full rate. Nothing touches the host's own network. That needs Linux,
iproute2, util-linux, the right to make namespaces (root or user namespaces), and the kernel's netem. Where it
cannot be had, parties on loopback dial each other through `relay`, and measurements say so.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tacit.base.errors import UnsupportedError

SHAPES = {"lan": ("1gbit", "1ms"), "wan": ("100mbit", "20ms")}
"""Rate of each party's link and its one-way delay."""
NETS = ("loopback", *SHAPES, "memory")
_INSIDE, _RELAYED = "TACIT_BENCH_NAMESPACE", "TACIT_BENCH_RELAYED"


def isolate(net: str) -> None:
    """If `net` is shaped, start this command anew in a namespace; where that cannot be, use relays."""
    if net not in SHAPES or os.environ.get(_INSIDE):
        return
    if any(shutil.which(tool) is None for tool in ("unshare", "ip", "tc")):
        os.environ[_RELAYED] = "1"
        return
    prefix = _unshare()
    probe = "ip link add probe type bridge && ip link set lo up && tc qdisc add dev lo root netem delay 1ms"
    done = subprocess.run([*prefix, "sh", "-c", probe], capture_output=True, text=True, check=False)
    if done.returncode:  # no right to make namespaces, or a kernel without netem
        os.environ[_RELAYED] = "1"
        return
    os.environ[_INSIDE] = "1"
    arguments = [*prefix, sys.executable, "-m", "bench", *sys.argv[1:]]
    os.execvp(arguments[0], arguments)


def shaping(net: str) -> str:
    """What the parties' own links are: `net`, or plain loopback where relays shape what is sent."""
    return "loopback" if net in SHAPES and os.environ.get(_RELAYED) else net


@contextmanager
def dialled(net: str, ports: list[int], home: Path) -> Iterator[list[list[int]]]:
    """For each party the ports at which it listens and dials its peers, while they are in use."""
    if shaping(net) == net:
        yield [ports] * len(ports)
        return
    n, (rate, delay) = len(ports), SHAPES[net]
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    free = dict(zip(pairs, free_ports(len(pairs)), strict=True))
    plan = {
        "bytes_per_s": {"1gbit": 1.25e8, "100mbit": 1.25e7}[rate],
        "delay_s": float(delay.removesuffix("ms")) / 1000,
        "pairs": [[i, j, free[i, j], ports[j]] for i, j in pairs],
    }
    (home / "relay.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "bench.relay", str(home / "relay.json")]
    relay = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert relay.stdout is not None
        relay.stdout.readline()
        yield [[free.get((i, j), ports[j]) for j in range(n)] for i in range(n)]
    finally:
        relay.kill()
        relay.communicate()


def _unshare() -> list[str]:
    """The prefix of a command that runs it in a network namespace of its own."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *rights, "--net", "--"]


def _cannot(reason: str, hint: str) -> UnsupportedError:
    return UnsupportedError(
        "BENCH-0002", f"this machine cannot shape its network: {reason}", hint=f"{hint}; or --net loopback"
    )


def hosts(net: str, n: int) -> list[str]:
    """The parties' addresses."""
    return [f"10.77.0.{number + 1}" if net in SHAPES else "127.0.0.1" for number in range(n)]


def prefix(net: str) -> list[str]:
    """What goes before a party's command line: it starts without any network."""
    return ["unshare", "--net", "--"] if net in SHAPES else []


def attach(net: str, processes: Sequence[int]) -> None:
    """Link the parties, whose namespaces are those of these process ids, to one bridge."""
    if net not in SHAPES:
        return
    _run("ip", "link", "add", "bench", "type", "bridge")
    _run("ip", "link", "set", "bench", "up")
    for number, process in enumerate(processes):
        near = f"party{number}"
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", str(process))
        _run("ip", "link", "set", near, "master", "bench", "up")


def enter(net: str, host: str) -> None:
    """In a party's process: wait for the link, then shape what leaves on it."""
    if net not in SHAPES:
        return
    rate, delay = SHAPES[net]
    print("unlinked", flush=True)
    sys.stdin.readline()  # says that the link is there
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "address", "add", f"{host}/24", "dev", "eth0")
    _run("ip", "link", "set", "eth0", "up")
    # The limit is in packets: large enough that nothing is dropped by the queue itself.
    _run(
        "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", delay, "rate", rate, "limit", "100000"
    )


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _cannot(f"{command[0]}: {done.stderr.strip()}", "see the message")


def free_ports(n: int) -> list[int]:
    """Ports of loopback that nobody uses now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [int(sock.getsockname()[1]) for sock in held]
    for sock in held:
        sock.close()
    return ports

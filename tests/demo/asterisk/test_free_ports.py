"""Ports that are bound a while after they were chosen."""

import subprocess
import sys

from callserver.demo.asterisk.free_ports import RTP_PORTS, free_tcp_port, free_udp_port

_CHOOSES = """
from callserver.demo.asterisk import free_ports
free_ports._PORTS = range(31_000, 31_200)
print(*(free_ports.free_udp_port() for _ in range(40)), flush=True)
input()
"""


def test_free_ports_are_ports() -> None:
    """Both kinds are within the unprivileged range, and none that an Asterisk's RTP may take."""
    for _ in range(300):
        for port in (free_tcp_port(), free_udp_port()):
            assert 1024 < port < 32_768
            assert port not in RTP_PORTS


def test_no_port_is_given_to_two_processes() -> None:
    """Forty of two hundred each, while neither has bound one: all different."""
    choosers = [
        subprocess.Popen(
            [sys.executable, "-c", _CHOOSES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    chosen = []
    try:
        for chooser in choosers:
            assert chooser.stdout is not None
            chosen += chooser.stdout.readline().split()
    finally:
        for chooser in choosers:
            chooser.communicate("\n")
    assert len(chosen) == len(set(chosen)) == 80

"""Ports on 127.0.0.1 for servers that are started a moment later, in any number of processes."""

import secrets
import socket
from collections import deque

RTP_PORTS = range(10_000, 20_000)  # an Asterisk takes any of them, at any time
_PORTS = range(20_000, 32_000)
_TRIES = 100
_CLAIMS = 200  # of one process at a time; a server has bound its port long before
_claims: deque[socket.socket] = deque()


def free_tcp_port() -> int:
    """A TCP port that nobody listens on at 127.0.0.1, claimed for the caller."""
    return _free_port(socket.SOCK_STREAM)


def free_udp_port() -> int:
    """A UDP port that nobody has bound at 127.0.0.1, claimed for the caller."""
    return _free_port(socket.SOCK_DGRAM)


def _free_port(kind: socket.SocketKind) -> int:
    """A random one outside those that the system or Asterisk's RTP take unasked.

    A port is bound a while after it was found free, so it is claimed against every process that
    asks here too: until this one ends or has asked _CLAIMS times more. Raises OSError where none
    can be had.
    """
    for _ in range(_TRIES):
        port = secrets.choice(_PORTS)
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                claim = _claim(port)
            except OSError:
                continue
        _claims.append(claim)
        if len(_claims) > _CLAIMS:
            _claims.popleft().close()
        return port
    raise OSError(f"no free port found among {_PORTS.start} to {_PORTS.stop - 1}")


def _claim(port: int) -> socket.socket:
    """An abstract socket of the port's name: only one process can bind it, and it leaves no file.

    Raises OSError (address in use) where the port is claimed.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0callserver-port-{port}")
    except OSError:
        claim.close()
        raise
    return claim

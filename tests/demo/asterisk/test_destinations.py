"""Destinations listen as long as they are open, and only then."""

import socket
from pathlib import Path

import pytest

from callserver.demo.asterisk.destinations import Destination


def test_it_listens_from_start_to_close(tmp_path: Path) -> None:
    """Its port is taken meanwhile, and free again afterwards."""
    destination = Destination.answers(work_dir=tmp_path)
    with (
        destination,
        socket.socket(type=socket.SOCK_DGRAM) as other,
        pytest.raises(OSError, match="in use"),
    ):
        other.bind(("127.0.0.1", destination.port))
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", destination.port))


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    """start() says so instead of waiting for ever."""
    destination = Destination.rejects(work_dir=tmp_path)
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", destination.port))
        with pytest.raises(RuntimeError, match="did not listen"):
            destination.start()


def test_headers_go_into_the_rejection(tmp_path: Path) -> None:
    """Line by line, before the body's length."""
    destination = Destination.rejects(302, headers="Contact: <sip:9@h>\nX-A: b", work_dir=tmp_path)
    (scenario,) = tmp_path.rglob("scenario.xml")
    text = scenario.read_text()
    assert "    Contact: <sip:9@h>\n    X-A: b\n    Content-Length: 0" in text
    assert destination.counts() == {}

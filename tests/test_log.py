"""The log's shape: one JSON object a line, bound ids, tracebacks, other libraries' loggers."""

import io
import json
import logging
import re
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
import structlog

from callserver import log
from tests.log_leaks import leaks


def lines(text: io.StringIO) -> list[dict[str, object]]:
    """The log as objects, without their instants."""
    found = [json.loads(line) for line in text.getvalue().splitlines()]
    assert all(str(line.pop("timestamp")).endswith("Z") for line in found)
    return found


def test_an_event_is_one_json_line_with_what_is_bound(log_text: io.StringIO) -> None:
    """Name first, own fields, then the call bound around it, level and instant."""
    with structlog.contextvars.bound_contextvars(call_id="07-" + "a" * 32):
        structlog.get_logger().info("call.admitted", line=1)
    assert log_text.getvalue().startswith('{"event":"call.admitted",')
    assert lines(log_text) == [
        {"event": "call.admitted", "line": 1, "call_id": "07-" + "a" * 32, "level": "info"}
    ]


def test_the_timestamp_is_utc_to_the_microsecond(log_text: io.StringIO) -> None:
    """Also over the turn of a second, whose text is made once."""
    before = datetime.now(UTC)
    for _ in range(3):
        structlog.get_logger().info("a.thing")
        time.sleep(0.4)
    stamps = [json.loads(line)["timestamp"] for line in log_text.getvalue().splitlines()]
    assert all(re.fullmatch(r"[-0-9]{10}T[0-9:]{8}\.[0-9]{6}Z", stamp) for stamp in stamps)
    moments = [datetime.fromisoformat(stamp) for stamp in stamps]
    in_order = [before, *moments, datetime.now(UTC)]
    assert in_order == sorted(in_order)


def test_a_traceback_is_masked(log_text: io.StringIO) -> None:
    """What an exception quotes is masked like the rest."""
    try:
        int("caller 13800138000")
    except ValueError:
        structlog.get_logger().exception("call.fault")
    assert "caller 138****8000" in str(lines(log_text)[0]["exception"])


def test_other_loggers_come_out_masked_from_warning_on(log_text: io.StringIO) -> None:
    """The standard library's loggers share the format; their chatter is left out."""
    logging.getLogger("panoramisk").debug("packet with secret")
    logging.getLogger("aiohttp.server").error("bad %s", "13800138000")
    assert lines(log_text) == [
        {"event": "bad 138****8000", "logger": "aiohttp.server", "level": "error"}
    ]


def test_lower_levels_are_left_out() -> None:
    """At `warning` an `info` is not written."""
    text = io.StringIO()
    log.configure("warning", "json", text)
    structlog.get_logger().info("a.b")
    structlog.get_logger().warning("c.d")
    assert [line["event"] for line in lines(text)] == ["c.d"]


@pytest.mark.parametrize("value", [b"\xff", {1: 2}, {3}, object(), 2**70, float("nan"), "\ud800"])
def test_any_value_can_be_logged(log_text: io.StringIO, value: object) -> None:
    """What JSON cannot hold is written as text: a log line never raises."""
    structlog.get_logger().info("a.b", value=value)
    assert [line["event"] for line in lines(log_text)] == ["a.b"]


def test_console_lines_are_masked_and_for_people() -> None:
    """The console format shows the same fields, without JSON."""
    text = io.StringIO()
    log.configure("info", "console", text)
    try:
        int("token=abcdefgh")
    except ValueError:
        structlog.get_logger().exception("a.b", caller="13800138000")
    assert "caller=138****8000" in text.getvalue()
    assert "token=[removed]" in text.getvalue()
    assert not leaks(text.getvalue())


def test_the_log_goes_to_standard_error_by_default() -> None:
    """Standard output is for data alone."""
    code = "from callserver import log; import structlog; log.configure(for_good=True);"
    code += "structlog.get_logger().info('a.b')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, json.loads(run.stderr)["event"]) == ("", "a.b")

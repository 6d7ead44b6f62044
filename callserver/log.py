"""The log: event names with fields, one line each, on standard error; never a full caller number.

Use it as `log = structlog.get_logger()` and `log.info("call.admitted", route=…)`, with
`structlog.contextvars.bound_contextvars(call_id=…)` around the life of a call.
"""

import json
import logging
import sys
import time
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.types import EventDict, Processor

from callserver.log_masking import mask_event

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "console"]


def configure(
    level: Level = "info",
    format: Format = "json",
    stream: TextIO | None = None,
    *,
    for_good: bool = False,
) -> None:
    """Send structlog and the standard library's loggers, masked, to `stream` (default stderr).

    Other libraries are heard from `warning` on: below it they print what they send and receive.
    `for_good` makes a line cheaper, but loggers once used keep this configuration.
    """
    out = stream if stream is not None else sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_common(), _renderer(format, out)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=for_good,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_common(),
                _renderer(format, out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


def _common() -> list[Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # before the mask: tracebacks quote values
        mask_event,
        _Stamp(),
    ]


class _Stamp:
    """Adds `timestamp`: UTC to the microsecond, the text of its second made once."""

    def __init__(self) -> None:
        self._second = (0, "")

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        second, micros = divmod(time.time_ns() // 1000, 1_000_000)
        known, text = self._second  # one read: other threads log too
        if known != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, text)
        event["timestamp"] = f"{text}.{micros:06d}Z"
        return event


def _renderer(format: Format, out: TextIO) -> Processor:
    if format == "console":
        return structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(value: Any, **_options: Any) -> str:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # lone surrogates, integers above 64 bits: the slow encoder knows them
        return json.dumps(value, default=str)

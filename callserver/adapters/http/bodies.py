"""Reading a request's body strictly: every fault is a problem that names its field."""

import asyncio
from typing import Annotated, Any, TypeVar

import orjson
from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, StringConstraints, ValidationError
from pydantic.json_schema import WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from callserver.adapters.http.problems import Code, Problem
from callserver.adapters.http.queries import instant_ms
from callserver.domain.identity import is_slug
from callserver.domain.ledger import TOP_UP_MICROS_MAX
from callserver.domain.money import BadAmount, parse_yuan, yuan_text
from callserver.domain.number import is_did

BodyModel = TypeVar("BodyModel", bound=BaseModel)
REASON_CHARS_MAX = 200


async def read_body(request: web.Request, read_s: float) -> bytes:
    """The whole body, which must arrive within `read_s` seconds. Raises Problem (408)."""
    try:
        async with asyncio.timeout(read_s):
            return await request.read()
    except TimeoutError as error:
        raise Problem(Code.BODY_TOO_SLOW, "Send the whole body at once.") from error


async def body_of(request: web.Request, model: type[BodyModel], read_s: float) -> BodyModel:
    """The body as `model`: no type is guessed, no unknown field let pass.

    Raises Problem (400 naming the first faulty field, 408).
    """
    text = await read_body(request, read_s)
    try:
        found = orjson.loads(text)
    except ValueError as error:
        raise Problem(Code.BAD_BODY, "Send JSON in UTF-8.") from error
    if not isinstance(found, dict):
        raise Problem(Code.BAD_BODY, 'Send a JSON object, such as {"amount": "100.00"}.')
    try:
        # From text, so that JSON's strings may become enums and dates, but no number a string.
        return model.model_validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        raise Problem(Code.BAD_BODY, _told(model, error.errors()[0])) from error


def _told(model: type[BaseModel], fault: ErrorDetails) -> str:
    """`field.2.name: what is wrong`, without the value: it may be personal."""
    where = ".".join(str(part)[:40] for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"There is no field {where!r}; see /openapi.json for those there are."
    if fault["type"] == "missing":
        field = model.model_json_schema()["properties"].get(where, {})
        return f"{where}: is missing; write a {field.get('type', 'value')}"
    return f"{where}: {fault['msg']}" if where else fault["msg"]


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("unusable", "{what}", {"what": what})


def _micros(least: int, bound: str) -> BeforeValidator:
    def parse(text: Any) -> int:
        if not isinstance(text, str):
            raise _wrong('write yuan as a string, such as "100.00"')
        try:
            micros = parse_yuan(text[:40])
        except BadAmount as error:
            raise _wrong(str(error)) from error
        if not least <= micros <= TOP_UP_MICROS_MAX:
            raise _wrong(f"must be {bound} and at most {yuan_text(TOP_UP_MICROS_MAX)}")
        return micros

    return BeforeValidator(parse)


def _instant(text: Any) -> int:
    if not isinstance(text, str):
        raise _wrong("write an RFC 3339 instant as a string")
    try:
        found = instant_ms("instant", text)
    except Problem as error:
        raise _wrong(error.detail.partition(": ")[2]) from error
    assert found is not None, "a text was given"
    return found


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise _wrong("write one line, without control characters")
    return text


def _slug(text: str) -> str:
    if not is_slug(text):
        raise _wrong("is not an id: 1 to 64 of a-z, 0-9, - and _")
    return text


def _did(text: str) -> str:
    if not is_did(text):
        raise _wrong("write the 400 number as it is dialled, 10 digits")
    return text


def _yuan_schema(sign: str, example: str) -> WithJsonSchema:
    pattern = rf"^{sign}\d{{1,10}}(\.\d{{1,6}})?$"
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


# Micros in Python, a text of yuan in JSON.
Yuan = Annotated[int, _micros(1, "more than 0"), _yuan_schema("", "100.00")]
YuanOrZero = Annotated[int, _micros(0, "0 or more"), _yuan_schema("", "0.00")]
SignedYuan = Annotated[
    int,
    _micros(-TOP_UP_MICROS_MAX, f"at least -{yuan_text(TOP_UP_MICROS_MAX)}"),
    _yuan_schema("-?", "-12.50"),
]
# UTC milliseconds in Python, RFC 3339 in JSON.
InstantMs = Annotated[
    int, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Remark = Annotated[str, StringConstraints(max_length=REASON_CHARS_MAX), AfterValidator(_one_line)]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=REASON_CHARS_MAX, strip_whitespace=True),
    AfterValidator(_one_line),
]
Slug = Annotated[str, AfterValidator(_slug)]
DidText = Annotated[str, StringConstraints(pattern=r"^400\d{7}$"), AfterValidator(_did)]

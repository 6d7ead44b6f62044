"""Every error is a problem that says what to do, and every answer stays out of caches."""

import asyncio
from http import HTTPStatus

import pytest

from callserver.adapters.http import models
from callserver.adapters.http.problems import STATUS, TITLE, Code, Problem
from tests.adapters.http.bed import Bed, Reply


def _is_problem(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.json["code"]) == (status, code), reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    shown = models.Problem.model_validate(reply.json)
    assert shown.status == status
    assert shown.detail
    _is_safe(reply)


def _is_safe(reply: Reply) -> None:
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Server"] == "callserver"


def test_every_code_has_a_status_and_a_title() -> None:
    """A new code cannot be forgotten."""
    assert set(STATUS) == set(TITLE) == set(Code)
    assert all(isinstance(status, HTTPStatus) for status in STATUS.values())
    assert all(Problem(code, "d").response().status == STATUS[code] for code in Code)


async def test_unknown_paths_are_problems(bed: Bed) -> None:
    """With or without a token."""
    for path in ("/", "/v1", "/v1/accounts/acme", "/v2/cdrs", "/v1/cdrs/", "/favicon.ico"):
        for who in ("admin", None):
            _is_problem(await bed.ask(path, who), 404, "route_unknown")


async def test_a_wrong_method_is_told_the_right_one(bed: Bed) -> None:
    """Allow stands in header and text."""
    reply = await bed.ask("/v1/cdrs", method="DELETE")
    _is_problem(reply, 405, "method_not_allowed")
    assert reply.headers["Allow"] == "GET, HEAD"
    assert "GET" in reply.json["detail"]


async def test_a_body_of_more_than_64_kib_is_refused(bed: Bed) -> None:
    """Announced or not, and the connection ends."""
    path, key = "/v1/accounts/acme/topups", {"Idempotency-Key": "k"}
    big = b'{"amount": "1", "reason": "' + b"x" * 70_000 + b'"}'

    async def pieces() -> object:
        for start in range(0, len(big), 7000):
            yield big[start : start + 7000]

    for body in (big, pieces()):
        reply = await bed.ask(path, method="POST", data=body, headers=key)
        _is_problem(reply, 413, "body_too_large")
        assert reply.headers["Connection"] == "close"


async def test_what_is_not_http_is_a_problem_too(bed: Bed) -> None:
    """The parser's refusals have the same shape."""
    for text in (b"HELLO\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", bed.server.port)
        writer.write(text)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.0 400") or answer.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in answer
        assert b'"code":"bad_request"' in answer
        writer.close()


async def test_a_bug_is_a_problem_that_tells_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has it, the answer does not."""

    async def broken(_account: str) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(bed.services.accounts, "balance", broken)
    reply = await bed.ask("/v1/accounts/acme/balance")
    _is_problem(reply, 500, "internal")
    assert "secret" not in reply.text


async def test_good_answers_stay_out_of_caches_too(bed: Bed) -> None:
    """Balances, lists, health, metrics and the document alike."""
    for path in ("/v1/accounts/acme/balance", "/v1/cdrs", "/healthz", "/metrics", "/openapi.json"):
        reply = await bed.ask(path)
        assert reply.status == 200
        _is_safe(reply)

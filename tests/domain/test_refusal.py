"""Refusals."""

import pytest

from callserver.domain.refusal import Refusal, hangup_cause

CAUSES = {
    "unknown_did": 1,
    "suspended": 21,
    "blocked": 21,
    "no_credit": 21,
    "lines_busy": 17,
    "too_many_calls": 17,
    "fault": 38,
}


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_its_cause(refusal: Refusal) -> None:
    """The caller's network hears the right Q.850 cause for each reason."""
    assert hangup_cause(refusal) == CAUSES[refusal.value]

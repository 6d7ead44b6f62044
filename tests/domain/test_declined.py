"""Rules that say no."""

from callserver.domain.declined import Declined, Reason


def test_a_decline_has_a_reason_for_machines_and_a_text_for_people() -> None:
    """Both are kept apart."""
    declined = Declined(Reason.NOT_COVERED, "Top up 10.00 yuan first.")
    assert (declined.reason.value, str(declined)) == ("not_covered", "Top up 10.00 yuan first.")

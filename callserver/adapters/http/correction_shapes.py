"""What the API and the command line show of corrections of calls."""

from typing import Any

from callserver.adapters.http.replies import rfc3339
from callserver.domain.money import money_json
from callserver.domain.rerating import PostedCorrection


def correction_shape(posted: PostedCorrection) -> dict[str, Any]:
    """A correction beside its CDR, whose own money stays."""
    correction = posted.correction
    return {
        "tariff": {"name": correction.tariff, "version": correction.tariff_version},
        "before": money_json(correction.before_micros),
        "after": money_json(correction.after_micros),
        "before_minutes": correction.before_minutes,
        "after_minutes": correction.after_minutes,
        "fee_lines": list(correction.fee_lines),
        "reason": posted.reason,
        "created_at": rfc3339(posted.created_ms),
    }

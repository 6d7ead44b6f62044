"""A bill with something of everything, and texts that must not become markup or formulas."""

from callserver.domain.bill import (
    Bill,
    BillLine,
    BillState,
    FeatureCharge,
    LateLine,
    Movement,
    RunningCall,
    SuddenFee,
)
from callserver.domain.ledger import EntryKind
from callserver.domain.minimum import Standing
from callserver.domain.month import Usage

YUAN = 1_000_000
AT_MS = 1_795_000_000_000

USAGE = Usage(12, 10, 123, 600, 3 * YUAN, 3 * YUAN, 4)
BILL = Bill(
    customer="acme",
    name="<script>alert(1)</script> & Söhne",
    provider="north",
    month="2026-11",
    state=BillState.OPEN,
    as_of_ms=AT_MS,
    lines=tuple(
        BillLine(f"400123456{n}", USAGE, 50 * YUAN, standing, 47 * YUAN * (n == 0))
        for n, standing in enumerate(Standing)
    ),
    late=(LateLine("2026-10", "4001234560", Usage(1, 1, 60, 60, YUAN, YUAN), -YUAN),),
    movements=(
        Movement(AT_MS, EntryKind.TOP_UP, 100 * YUAN, 0, '=HYPERLINK("http://x.example")'),
        Movement(AT_MS, EntryKind.PLAN_FEE, -30 * YUAN, 0, ""),
        Movement(AT_MS, EntryKind.COMMISSION, -1, 0, "<b>"),
    ),
    features=(FeatureCharge("2026-11-03", "4001234560", "=recording", 5 * YUAN),),
    corrections_micros=-2 * YUAN,
    minutes_left=96,
    running=(RunningCall("07-" + "a" * 32, "4001234560", AT_MS, 61, 300_000),),
    notice=SuddenFee(600 * YUAN, 100 * YUAN, 5, AT_MS),
)

"""Believable CDRs, each different, changed by keyword."""

import hashlib
from itertools import count
from typing import Any

from callserver.domain.business import Customer, Did, NumberState, Provider
from callserver.domain.call import Attempt, EndSource, HungUpBy
from callserver.domain.caller import Caller, CallerKind
from callserver.domain.cdr import Cdr, Disposition
from callserver.domain.import_set import DestinationRow, ImportChanges
from callserver.domain.region import Region
from callserver.domain.tariff import TariffVersion

T0_MS = 1_790_000_000_000  # 2026-09-21 in Shanghai
_numbers = count(1)


def cdr(**changed: Any) -> Cdr:
    """An answered call of 61 s for 0.30 yuan by acme's customer."""
    number = next(_numbers)
    token_hash = hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()
    given: dict[str, Any] = {
        "call_id": f"07-{changed.get('token_hash', token_hash)}",
        "token_hash": token_hash,
        "pbx": "pbx-1",
        "uniqueid": f"1790000000.{number}",
        "linkedid": f"1790000000.{number}",
        "did": "4001234567",
        "customer": "acme",
        "provider": "north",
        "account": "acme",
        "caller": Caller("02188886666", CallerKind.LANDLINE, Region("上海", "上海", "021")),
        "destination": "057188886666",
        "attempts": (
            Attempt(1, "057188880000", "BUSY", 17, 312),
            Attempt(2, "057188886666", "ANSWER", 16, 1503),
        ),
        "arrived_ms": T0_MS + number,
        "rang_ms": T0_MS + number + 20,
        "answered_ms": T0_MS + number + 2000,
        "ended_ms": T0_MS + number + 63_400,
        "billsec": 61,
        "billed_s": 120,
        "tariff": "standard",
        "tariff_version": 3,
        "fee_micros": 300_000,
        "charged_micros": 300_000,
        "written_off_micros": 0,
        "fee_lines": ("120 s × 0.15/min = 0.30",),
        "disposition": Disposition.ANSWERED,
        "refusal": None,
        "hangup_cause": 16,
        "hung_up_by": HungUpBy.CALLER,
        "end_source": EndSource.REPORT,
    }
    return Cdr(**(given | changed))


def changes(**changed: Any) -> ImportChanges:
    """A provider, a tariff and the prepaid customer acme with one number and two lines."""
    given: dict[str, Any] = {
        "base_version": 0,
        "providers": (Provider("north", "北方通信"),),
        "tariff_versions": (TariffVersion("standard", 1, 0, 150_000),),
        "customers": (Customer("acme", "顶点商贸", "north", "standard"),),
        "dids": (Did("4001234567", "acme", NumberState.ACTIVE, (), 10),),
        "routes": {
            "4001234567": (
                DestinationRow("4001234567", "057188886666", "carrier", 20, 2),
                DestinationRow("4001234567", "02188886666", "carrier", 30, 0),
            )
        },
    }
    return ImportChanges(**(given | changed))

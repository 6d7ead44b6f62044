"""The services that are in no call's path: what an operator, a reseller or a page works with."""

from dataclasses import dataclass

from callserver.ports.idempotency import KeyBook
from callserver.service.account_watch import AccountWatch
from callserver.service.arrears import Arrears
from callserver.service.bills import Bills
from callserver.service.features import Features
from callserver.service.ledger import Ledger
from callserver.service.minimums import Minimums
from callserver.service.months import Months
from callserver.service.numbers import Numbers
from callserver.service.openings import Openings
from callserver.service.plans import Plans
from callserver.service.providers import Providers
from callserver.service.rerating import Rerating
from callserver.service.retention import Retention
from callserver.service.sudden_fees import SuddenFees


@dataclass(frozen=True, slots=True)
class Office:
    """One of each, over the same books. Built by callserver.back_office."""

    keys: KeyBook
    ledger: Ledger
    rerating: Rerating
    account_watch: AccountWatch
    numbers: Numbers
    openings: Openings
    retention: Retention
    providers: Providers
    features: Features
    minimums: Minimums
    months: Months
    bills: Bills
    sudden_fees: SuddenFees
    plans: Plans
    arrears: Arrears

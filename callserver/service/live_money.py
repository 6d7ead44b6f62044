"""What running calls hold of an account, for whoever takes money from it otherwise."""

from callserver.ports import AccountUnknown, StoreUnavailable
from callserver.ports.plans import LiveMoney
from callserver.service.accounts import Accounts


class AccountsLiveMoney:
    """Asks Redis through the accounts."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def live_money(self, account: str) -> LiveMoney | None:
        """The account as Redis has it; None while it cannot be asked, or where nobody has it."""
        try:
            reading = await self._accounts.balance(account)
        except (AccountUnknown, StoreUnavailable):
            return None  # whoever asks finds out by itself, from SQL
        if not reading.live:
            return None
        balance = reading.balance
        return LiveMoney(
            settled_micros=balance.settled_micros,
            held_micros=balance.held_micros,
            minutes=balance.minutes,
            held_minutes=balance.minutes_held,
            seq=balance.seq,
        )

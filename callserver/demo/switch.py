"""The PBX as the demo uses it, simulated or real."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from callserver.config import AsteriskConfig
from callserver.demo.business import TRUNK, business
from callserver.demo.day import PlannedCall
from callserver.demo.pbx.exchange import SimulatedPbx
from callserver.demo.pbx.script import CallRecord
from callserver.demo.proof import CallFacts
from callserver.demo.reckoning import disposition, due
from callserver.domain.business import Catalogue


class Switch(AbstractAsyncContextManager["Switch"], Protocol):
    """Starts and stops as a context; then its AMI is there, and calls can be brought in."""

    @property
    def business(self) -> Catalogue:
        """The customers and numbers, with lines this PBX can reach."""
        ...

    @property
    def settings(self) -> AsteriskConfig:
        """The server's `[[asterisk]]` section for it."""
        ...

    @property
    def agi_port(self) -> int:
        """Where it expects the server's FastAGI; 0: wherever `reach` says."""
        ...

    @property
    def apart_ms(self) -> int:
        """How far its log's instants may lie from those it reports."""
        ...

    def reach(self, agi_port: int) -> None:
        """The server's FastAGI listens there."""
        ...

    async def call(self, planned: PlannedCall) -> None:
        """Bring one call in, now, and see it to its end."""
        ...

    def seen(self, day: Sequence[PlannedCall]) -> Mapping[str, CallFacts]:
        """The calls of the day by its own log, by Uniqueid, with fees reckoned independently."""
        ...


class SimulatedSwitch:
    """The simulated PBX."""

    apart_ms = 0
    agi_port = 0

    def __init__(self, name: str, secret: str) -> None:
        self.business = business()
        self._name = name
        self._secret = secret
        self._pbx = SimulatedPbx(name, secret=secret, trunks=frozenset({TRUNK}))

    async def __aenter__(self) -> "SimulatedSwitch":
        await self._pbx.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pbx.__aexit__(None, None, None)

    @property
    def settings(self) -> AsteriskConfig:
        """Its AMI is on a free port."""
        return AsteriskConfig.model_validate(
            {"name": self._name, "port": self._pbx.ami_port, "secret": self._secret}
        )

    def reach(self, agi_port: int) -> None:
        """The server's FastAGI listens there."""
        self._pbx.agi = ("127.0.0.1", agi_port)

    async def call(self, planned: PlannedCall) -> None:
        """Bring one call in, now, and see it to its end."""
        await self._pbx.call(planned.script)

    def seen(self, day: Sequence[PlannedCall]) -> dict[str, CallFacts]:
        """The calls by its own log."""
        callers = {planned.script.caller: planned.caller for planned in day}
        return seen_by_pbx(self._pbx.records, callers)


def seen_by_pbx(records: Sequence[CallRecord], callers: Mapping[str, str]) -> dict[str, CallFacts]:
    """The PBX's log as facts; `callers` gives the canonical number for each as presented."""
    return {
        record.uniqueid: CallFacts(
            did=record.did,
            caller=callers[record.trunk_caller],
            disposition=disposition(record),
            destination=record.destination,
            billsec=record.billsec,
            answered_ms=record.answered_us // 1000,
            ended_ms=record.ended_us // 1000,
            fee=due(record.did, record.billsec),
        )
        for record in records
    }

"""Scripts' answers as the domain's values, and values as scripts take them."""

import pytest

from callserver.adapters.redis.meter_replies import (
    METER_FIELDS,
    UnknownReply,
    held_of,
    meter_fields,
    meter_of,
    outbox_entry_of,
    raise_for,
)
from callserver.domain.meter import AccountMissing, MeterState, OpenMeter, Settled, ShardLost
from tests.adapters.redis.meter_store_samples import SHARD, T0_MS, admission, per_minute


def test_a_meter_comes_back_as_it_was_passed() -> None:
    """What a rebuild writes is what is read afterwards."""
    call = admission()
    meter = OpenMeter(
        token=call.token,
        shard=SHARD,
        account="acme",
        did="4001234567",
        pbx="pbx-1",
        state=MeterState.ANSWERED,
        line=2,
        held_s=300,
        held_micros=750_000,
        slices=3,
        final=True,
        answered_us=T0_MS * 1000,
        seen_ms=T0_MS,
        table=per_minute(),
        plan=call.plan,
    )
    token, *fields = (
        field if isinstance(field, bytes) else str(field).encode() for field in meter_fields(meter)
    )
    assert len(fields) == len(METER_FIELDS)
    assert meter_of(SHARD, token.decode(), fields) == meter


def test_an_unknown_word_is_a_fault_not_a_refusal() -> None:
    """A newer script's answer must not be taken for "no credit"."""
    with pytest.raises(UnknownReply):
        held_of([b"perhaps"])


def test_faults_have_their_own_exceptions() -> None:
    """Every other word passes."""
    with pytest.raises(ShardLost, match="7"):
        raise_for(b"shard_lost", 7)
    with pytest.raises(AccountMissing, match="acme"):
        raise_for(b"account_missing", 7, "acme")
    raise_for(b"held", 7)


def test_an_outbox_entry_keeps_everything_behind_its_first_line() -> None:
    """Figures and account stand before the payload."""
    entry = outbox_entry_of(3, b"t", b"9 7 2 60 acme\n{}\n\n")
    assert entry.settled == Settled(9, 7, 2, 60, first=True)
    assert entry.payload == b"{}\n\n"

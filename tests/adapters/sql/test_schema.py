"""The tables' types."""

from sqlalchemy import BigInteger, Float, Integer, Numeric, Text

from callserver.adapters.sql.schema import metadata


def test_money_and_instants_are_whole_64_bit_numbers() -> None:
    """Micros overflow 32 bits at 2 147 yuan, milliseconds in 1970."""
    named = [
        column
        for table in metadata.tables.values()
        for column in table.c
        if column.name.endswith(("_micros", "_ms"))
    ]
    assert len(named) > 15
    assert all(isinstance(column.type, BigInteger) for column in named)


def test_nothing_is_a_float() -> None:
    """Only whole numbers and texts."""
    types = {type(column.type) for table in metadata.tables.values() for column in table.c}
    assert types <= {BigInteger, Integer, Text}
    assert not types & {Float, Numeric}

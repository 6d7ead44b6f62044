"""The tables of [R3]: the inventory, its history, applications and what was handed in for them.

Personal data (intent forms, real-name files) are sealed texts in tables of their own, deleted when
their retention ends; the history holds none, and is guarded like money.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from callserver.adapters.sql.schema import RowId, metadata

number_record = Table(
    "number_record",
    metadata,
    Column("number", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),  # when the clock moves it on
    Column("class_name", Text, nullable=False),
    Column("special", Integer, nullable=False),
    Column("price_micros", BigInteger, nullable=False),
    Column("provider", Text, ForeignKey("provider.id")),
    Column("customer", Text, ForeignKey("customer.id")),
    Column("application", BigInteger),
    Column("approved", Integer, nullable=False),
    Column("suspensions", Text, nullable=False),  # reasons in order, commas between
    Column("last_provider", Text, ForeignKey("provider.id")),
    Column("last_ended_ms", BigInteger),
    Column("added_ms", BigInteger, nullable=False),
    Index("ix_number_record_until", "state", "until_ms"),
    Index("ix_number_record_provider", "provider"),
)

number_event = Table(
    "number_event",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("number", Text, ForeignKey("number_record.number"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),  # none: it was not in the inventory
    Column("to_state", Text, nullable=False),
    Column("until_ms", BigInteger),
    Column("suspension", Text),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("provider", Text),
    Column("customer", Text),
    Column("application", BigInteger),
    Column("operation_id", Text),  # none: the clock's, or an import's
    Column("request", Text),  # a digest of what was asked for, personal data left out
    UniqueConstraint("operation_id"),
    Index("ix_number_event_number", "number", "id"),
)

number_application = Table(
    "number_application",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("number", Text, ForeignKey("number_record.number"), nullable=False),
    Column("provider", Text, ForeignKey("provider.id"), nullable=False),
    Column("customer", Text, ForeignKey("customer.id")),
    Column("features", Text, nullable=False),  # chosen, commas between
    Column("plan", Text, nullable=False),
    Column("price_micros", BigInteger, nullable=False),
    Column("contract", Text, nullable=False),
    Column("carrier_reference", Text, nullable=False),
    Column("rejection", Text, nullable=False),  # why the material was last rejected
    Column("reserved_ms", BigInteger, nullable=False),
    Column("locked_ms", BigInteger),
    Column("submitted_ms", BigInteger),
    Column("approved_ms", BigInteger),
    Column("active_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("ended_by", Text),  # the event that ended it
    Index("ix_number_application_provider", "provider", "id"),
    Index("ix_number_application_number", "number", "id"),
)


def _of_application() -> "Column[int]":
    """The key of what an application has at most one of, or the first part of such a key."""
    return Column(
        "application",
        BigInteger,
        ForeignKey("number_application.id"),
        primary_key=True,
        autoincrement=False,
    )


# What was chosen with an application, from the moment its number has opened.
opening_item = Table(
    "opening_item",
    metadata,
    _of_application(),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at_ms", BigInteger),
    Index("ix_opening_item_state", "state", "application"),
)

intent_form = Table(
    "intent_form",
    metadata,
    _of_application(),
    Column("sealed", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

real_name_material = Table(
    "real_name_material",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("application", BigInteger, ForeignKey("number_application.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the file
    Column("sealed", Text),  # a small file's content; none: kept elsewhere, or deleted
    Column("submitted_ms", BigInteger, nullable=False),
    Index("ix_real_name_material_application", "application", "id"),
)

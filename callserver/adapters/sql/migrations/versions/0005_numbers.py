"""Numbers: the inventory, its history, applications, intent forms and real-name material.

Numbers that are in the books already get a record each, and those in use a first line of history
at 0, which is "before the history began".
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_WHY = "the history of numbers is kept for ever"


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _int(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null, autoincrement=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _row_id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, nullable=False, autoincrement=True)


def _key(table: str, column: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(column, name=f"pk_{table}")


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    """Create the tables, take over the numbers that are there, guard the history."""
    _inventory()
    _applications()
    _take_over()
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_guards()
    else:
        _postgres_guards()


def _inventory() -> None:
    op.create_table(
        "number_record",
        _text("number"),
        _text("state"),
        _int("since_ms"),
        _int("until_ms", null=True),
        _text("class_name"),
        _small("special"),
        _int("price_micros"),
        _text("provider", null=True),
        _text("customer", null=True),
        _int("application", null=True),
        _small("approved"),
        _text("suspensions"),
        _text("last_provider", null=True),
        _int("last_ended_ms", null=True),
        _int("added_ms"),
        _key("number_record", "number"),
        _refers("number_record", "provider", "provider.id"),
        _refers("number_record", "customer", "customer.id"),
        _refers("number_record", "last_provider", "provider.id"),
    )
    op.create_index("ix_number_record_until", "number_record", ["state", "until_ms"])
    op.create_index("ix_number_record_provider", "number_record", ["provider"])
    op.create_table(
        "number_event",
        _row_id(),
        _text("number"),
        _int("at_ms"),
        _text("event"),
        _text("from_state", null=True),
        _text("to_state"),
        _int("until_ms", null=True),
        _text("suspension", null=True),
        _text("reason"),
        _text("actor"),
        _text("provider", null=True),
        _text("customer", null=True),
        _int("application", null=True),
        _text("operation_id", null=True),
        _text("request", null=True),
        _key("number_event", "id"),
        _refers("number_event", "number", "number_record.number"),
        sa.UniqueConstraint("operation_id", name="uq_number_event_operation_id"),
    )
    op.create_index("ix_number_event_number", "number_event", ["number", "id"])


def _applications() -> None:
    op.create_table(
        "number_application",
        _row_id(),
        _text("number"),
        _text("provider"),
        _text("customer", null=True),
        _text("features"),
        _text("plan"),
        _int("price_micros"),
        _text("contract"),
        _text("carrier_reference"),
        _text("rejection"),
        _int("reserved_ms"),
        _int("locked_ms", null=True),
        _int("submitted_ms", null=True),
        _int("approved_ms", null=True),
        _int("active_ms", null=True),
        _int("ended_ms", null=True),
        _text("ended_by", null=True),
        _key("number_application", "id"),
        _refers("number_application", "number", "number_record.number"),
        _refers("number_application", "provider", "provider.id"),
        _refers("number_application", "customer", "customer.id"),
    )
    for column in ("provider", "number"):
        op.create_index(f"ix_number_application_{column}", "number_application", [column, "id"])
    op.create_table(
        "intent_form",
        _int("application"),
        _text("sealed"),
        _int("created_ms"),
        _key("intent_form", "application"),
        _refers("intent_form", "application", "number_application.id"),
    )
    op.create_table(
        "real_name_material",
        _row_id(),
        _int("application"),
        _text("kind"),
        _text("reference"),
        _text("digest"),
        _text("sealed", null=True),
        _int("submitted_ms"),
        _key("real_name_material", "id"),
        _refers("real_name_material", "application", "number_application.id"),
    )
    op.create_index(
        "ix_real_name_material_application", "real_name_material", ["application", "id"]
    )


def _take_over() -> None:
    op.execute(
        "INSERT INTO number_record (number, state, since_ms, until_ms, class_name, special,"
        " price_micros, provider, customer, approved, suspensions, added_ms)"
        " SELECT did.number, did.state, 0, CASE WHEN did.state = 'frozen' THEN 0 END, '', 0, 0,"
        " CASE WHEN did.state NOT IN ('available', 'frozen') THEN customer.provider END,"
        " CASE WHEN did.state NOT IN ('available', 'frozen') THEN did.customer END, 0,"
        " CASE WHEN did.state = 'suspended' THEN 'hold' ELSE '' END, 0"
        " FROM did JOIN customer ON customer.id = did.customer"
    )
    op.execute(
        "INSERT INTO number_event (number, at_ms, event, to_state, reason, actor, provider,"
        " customer) SELECT number, 0, 'import', state, 'in use before the history began',"
        " 'migration', provider, customer FROM number_record"
        " WHERE state IN ('active', 'suspended')"
    )
    # A state without its application could not go on.
    op.execute(
        "INSERT INTO number_application (number, provider, customer, features, plan,"
        " price_micros, contract, carrier_reference, rejection, reserved_ms)"
        " SELECT number, provider, customer, '', '', 0, '', '', '', 0 FROM number_record"
        " WHERE state IN ('reserved', 'locked', 'review')"
    )
    op.execute(
        "UPDATE number_record SET application = (SELECT id FROM number_application"
        " WHERE number_application.number = number_record.number)"
    )


def _sqlite_guards() -> None:
    for moment in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_number_event_{moment.lower()} BEFORE {moment} ON number_event"
            f" BEGIN SELECT RAISE(ABORT, 'number_event: {_WHY}'); END"
        )


def _postgres_guards() -> None:
    op.execute(
        "CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '%: {_WHY}', TG_TABLE_NAME"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for moment, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER tr_number_event_{moment.lower()} BEFORE {moment} ON number_event"
            f" FOR EACH {each} EXECUTE FUNCTION refuse_rewriting()"
        )

"""Shapes of numbers, their history and applications; see models.py."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StringConstraints

from callserver.adapters.http.bodies import Reason, Remark, Slug, YuanOrZero
from callserver.adapters.http.models import Money

State = Literal["available", "reserved", "locked", "review", "active", "suspended", "frozen"]
Suspension = Literal["arrears", "violation", "hold"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Number(_Shape):
    """A number as it stands now; of another provider's only the number and its state."""

    number: str = Field(pattern=r"^400\d{7}$")
    state: State
    since: datetime
    until: datetime | None = Field(description="When the clock moves it on by itself.")
    class_: str = Field(alias="class", description="The shape of its ending; empty: none.")
    special: bool
    price: Money
    provider: str | None
    customer: str | None
    application: int | None
    suspended_for: list[Suspension]


class NumberPage(_Shape):
    """Numbers in order; `next_after` is null on the last page."""

    numbers: list[Number]
    next_after: str | None


class NumberChange(_Shape):
    """What happened to a number, and what it is since."""

    number: str
    at: datetime
    event: str
    from_state: State | None
    state: State
    until: datetime | None
    suspension: Suspension | None
    reason: str
    actor: str
    provider: str | None
    customer: str | None
    application: int | None
    operation_id: str | None


class OpeningItem(_Shape):
    """A feature or plan that was chosen with a number, and what became of it at the opening."""

    kind: Literal["feature", "plan"]
    name: str
    state: Literal["chosen", "due", "done", "already", "refused"] = Field(
        description=(
            "chosen: the number is not open; due: open, and it is about to be switched on; done: "
            "the opening switched it on; already: it was on, nothing was paid for it here; "
            "refused: see `reason`, activate again to try again."
        )
    )
    at: datetime | None = Field(description="When it was last tried.")
    reason: str | None = Field(description="A code, such as not_covered.")
    detail: str | None


class NumberOpened(NumberChange):
    """A number that is open, and what is on of what was chosen with it."""

    opening: list[OpeningItem]


class NumberHistory(_Shape):
    """The oldest first."""

    history: list[NumberChange]


class ApplicationStep(_Shape):
    """One step, and what it still waits for."""

    step: str
    state: Literal["done", "now", "later", "ended"]
    at: datetime | None
    missing: list[str]


class ApplicationMaterial(_Shape):
    """A real-name file: where it is, and what it is."""

    kind: str
    reference: str
    sha256: str
    kept_here: bool


class Application(_Shape):
    """From the choice of a number to its opening."""

    id: int
    number: str
    provider: str
    customer: str | None
    state: Literal["reserved", "locked", "review", "active", "suspended", "ended"]
    until: datetime | None
    features: list[str]
    plan: str | None
    opening: list[OpeningItem]
    price: Money
    contract: str | None
    carrier_reference: str | None
    rejection: str | None
    ended_at: datetime | None
    ended_by: str | None
    steps: list[ApplicationStep]
    material: list[ApplicationMaterial]


class ApplicationPage(_Shape):
    """The newest first, without material; `next_before` is null on the last page."""

    applications: list[Application]
    next_before: int | None


FormText = Annotated[str, StringConstraints(max_length=500)]


class IntentForm(_Shape):
    """The customer a number is reserved for: real data. One of the two codes is needed."""

    company: FormText = ""
    credit_code: FormText = Field("", description="Unified social credit code, GB 32100.")
    id_number: FormText = Field("", description="A person's ID number, where there is no company.")
    contact: FormText = ""
    mobile: FormText = ""
    address: FormText = ""
    purpose: FormText = ""
    industry: FormText = ""


class KeptIntentForm(_Shape):
    """Null once it is deleted."""

    intent_form: IntentForm | None


class NewNumbers(_Shape):
    """Numbers and ranges for the shelf. With `class`: not as their endings say."""

    numbers: Annotated[
        list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=1000)
    ]
    class_: Annotated[str, StringConstraints(pattern=r"^[A-J0-9]{0,7}$")] | None = Field(
        None, alias="class"
    )
    special: bool = True
    price: YuanOrZero = 0


class NumbersAdded(_Shape):
    """How many were named, and how many of them were new."""

    numbers: int
    new: int


class _ForProvider(_Shape):
    provider: Slug | None = Field(
        None, description="Who holds the number, if not the bearer: a provider below it."
    )


class Reservation(_ForProvider):
    """Whom a number is for, and what was chosen with it."""

    intent_form: IntentForm
    features: Annotated[list[Slug], Field(max_length=50)] = []
    plan: Slug | None = None


class NumberReason(_ForProvider):
    """Why, for the history."""

    reason: Remark = ""


class NumberLock(_ForProvider):
    """The contract is signed with this customer; a special number is paid now."""

    customer: Slug
    contract: Remark = ""


class HandedInFile(_Shape):
    """Either the SHA-256 of a file kept elsewhere, or a small file itself, to be kept sealed."""

    kind: Reason
    reference: Reason
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    content: Base64Bytes | None = None


class Submission(_ForProvider):
    """The real-name material."""

    material: Annotated[list[HandedInFile], Field(min_length=1, max_length=20)]


class Approval(_Shape):
    """Nothing to add."""


class Rejection(_Shape):
    """What has to be mended."""

    reason: Reason


class CarrierConfirmation(_Shape):
    """The carrier has confirmed."""

    carrier_reference: Remark = ""


class SuspensionReason(_ForProvider):
    """Why a number stands still; a violation is the operator's to say."""

    for_: Suspension = Field(alias="for")
    reason: Remark = ""


class NewSuspension(SuspensionReason):
    """The same, as it begins."""

    force: bool = Field(
        False, description="Arrears: even before they are long enough overdue; for admins."
    )

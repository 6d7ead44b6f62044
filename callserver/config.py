"""The configuration: one TOML file, overridden by `CALLSERVER_SECTION__KEY`, secrets from files.

Business data (customers, numbers, tariffs) is not here: it lives in SQL.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from callserver.config_fields import (
    AreaCode,
    DatabaseUrl,
    Endpoint,
    EndpointText,
    FilePath,
    Networks,
    NumberClasses,
    NumberPrefixes,
    RedisUrl,
    Slug,
    WholeNumber,
    YuanText,
)
from callserver.config_load import load
from callserver.domain.arrears import ARREARS_DAYS
from callserver.domain.number_class import DEFAULT_CLASSES

__all__ = [
    "AccountsConfig",
    "AsteriskConfig",
    "BillingConfig",
    "Config",
    "DatabaseConfig",
    "Endpoint",
    "FeaturesConfig",
    "LogConfig",
    "MonthsConfig",
    "NumbersConfig",
    "PlansConfig",
    "RedisConfig",
    "RetentionConfig",
    "ServerConfig",
    "load_config",
]

LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ServerConfig(_Section):
    """Where the server listens and keeps its data."""

    http: EndpointText = Field(
        Endpoint("127.0.0.1", 8400),
        description="Address of the HTTP API and pages, `HOST:PORT`; port 0 picks a free one.",
    )
    fastagi: EndpointText = Field(
        Endpoint("127.0.0.1", 4573),
        description="Address that Asterisk's `AGI(agi://…)` reaches, `HOST:PORT`; port 0 picks a "
        "free one. Whoever answers FastAGI rules the PBX: loopback or a private network only.",
    )
    data: FilePath = Field(
        Path(".callserver"),
        description="Folder for the embedded database and Redis, keys, the spool and the state "
        "file; made with mode 0700.",
    )
    agi_allow: Networks = Field(
        LOOPBACK,
        description="Addresses or networks that may connect to FastAGI; others are closed at once.",
    )
    agi_sessions_max: WholeNumber = Field(
        2000, ge=1, le=100_000, description="FastAGI sessions open at once; more are closed."
    )


class AsteriskConfig(_Section):
    """One PBX. Repeat the section for each."""

    name: Slug = Field(description="What calls of this PBX are known by; `CS_PBX` in its dialplan.")
    host: Annotated[str, StringConstraints(min_length=1)] = Field(
        "127.0.0.1", description="Host of its AMI."
    )
    port: WholeNumber = Field(5038, ge=1, le=65535, description="Port of its AMI.")
    user: Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\r\n]+$")] = Field(
        "callserver", description="AMI user, as in dialplan/manager.conf."
    )
    secret: SecretStr = Field(SecretStr(""), description="AMI secret; rather use `secret_file`.")
    secret_file: FilePath | None = Field(
        None, description="File that holds the AMI secret, whitespace around it dropped."
    )
    cdr_file: FilePath | None = Field(
        None,
        description="The PBX's `cdr-custom/callserver.csv` as seen from here: gives the end of "
        "calls that ended while the server was down. Without it they are billed to their last "
        "proof of life, flagged `estimated`.",
    )
    area_code: AreaCode = Field(
        "", description="Area code of callers presented with 7 or 8 bare digits, such as `010`."
    )

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        if not self.secret.get_secret_value():
            raise ValueError("needs secret_file (or secret), not empty: AMI asks for one")
        return self


class RedisConfig(_Section):
    """The live copy of the money: holds, meters, slots."""

    url: RedisUrl = Field(
        SecretStr(""),
        description="`redis://[USER:PASSWORD@]HOST:PORT[/DB]` or `unix://PATH`; empty: an embedded "
        "Valkey in the data folder. Needs AOF and `noeviction`.",
    )
    url_file: FilePath | None = Field(None, description="File that holds the URL.")
    deadline_ms: WholeNumber = Field(
        1000,
        ge=50,
        le=60_000,
        description="Longest wait for a reply; then the link is closed and the outcome is unknown.",
    )


class DatabaseConfig(_Section):
    """The truth: business data, ledger, CDRs."""

    url: DatabaseUrl = Field(
        SecretStr(""),
        description="`postgresql://USER:PASSWORD@HOST[:PORT]/NAME` or `sqlite:///PATH`; empty: "
        "`callserver.db` in the data folder.",
    )
    url_file: FilePath | None = Field(None, description="File that holds the URL.")


class BillingConfig(_Section):
    """How calls are held, extended and ended."""

    slice_s: WholeNumber = Field(
        300,
        ge=1,
        le=86_400,
        description="Seconds held at a time, rounded up to whole increments of the tariff.",
    )
    call_max_s: WholeNumber = Field(
        14_400, ge=1, le=604_800, description="Longest call; no slice is held beyond it."
    )
    fallback_max_s: WholeNumber = Field(
        3600,
        ge=1,
        le=86_400,
        description="Longest call that the dialplan connects without us; `check` compares it with "
        "the dialplan's `CS_FALLBACK_MAX_S`.",
    )
    end_report_wait_ms: WholeNumber = Field(
        2000,
        ge=0,
        le=60_000,
        description="Wait for the dialplan's own report after AMI `Hangup`, then settle without.",
    )
    due_poll_ms: WholeNumber = Field(
        500, ge=10, le=10_000, description="How often meters that are due are looked for."
    )
    channel_list_s: WholeNumber = Field(
        10, ge=2, le=600, description="How often the PBX is asked for its live channels."
    )

    @model_validator(mode="after")
    def _slice_fits(self) -> Self:
        if self.slice_s > self.call_max_s:
            raise ValueError(f"slice_s {self.slice_s} is longer than call_max_s {self.call_max_s}")
        return self


class AccountsConfig(_Section):
    """When accounts count as low."""

    low_balance: YuanText = Field(
        "20.00",
        description="Yuan below which an account's available money makes a `low_balance` event; "
        "`callserver accounts threshold` sets it for one account. `0` is never.",
    )


class FeaturesConfig(_Section):
    """[R2] Paid features of numbers."""

    retry_days: WholeNumber = Field(
        30,
        ge=0,
        le=366,
        description="Days that a feature whose renewal was not covered waits for money, switched "
        "off, before it ends.",
    )
    look_s: WholeNumber = Field(
        600,
        ge=1,
        le=86_400,
        description="How often the server looks for renewals, and compares deductions with the "
        "ledger.",
    )


class RetentionConfig(_Section):
    """How long callers' numbers are kept."""

    caller_months: WholeNumber = Field(
        6,
        ge=0,
        le=1200,
        description="Full months of callers kept beside the running one; older ones are deleted, "
        "but for disputed calls, and counts by day and area are left.",
    )
    batch: WholeNumber = Field(
        2000, ge=1, le=10_000, description="Callers deleted in one transaction."
    )
    look_s: WholeNumber = Field(
        3600, ge=1, le=86_400, description="How often the server looks for callers to delete."
    )


class MonthsConfig(_Section):
    """[R1] Monthly minimums and the close of months."""

    sudden_fee_factor: WholeNumber = Field(
        5,
        ge=2,
        le=1000,
        description="A month whose calls cost more than so many times the mean of the last three "
        "raises a notice.",
    )
    minimum_follows_rate: bool = Field(
        True,
        description="Whether the minimum of a number not yet in use goes down by itself when its "
        "rate does.",
    )
    look_s: WholeNumber = Field(
        900,
        ge=1,
        le=86_400,
        description="How often the server looks for sudden fees, and for rates that went down.",
    )


class NumbersConfig(_Section):
    """Reserving numbers: how long things last, and what special numbers cost."""

    period_h: WholeNumber = Field(
        72, ge=1, le=87_600, description="Hours a reservation of an ordinary number lasts."
    )
    special_period_h: WholeNumber = Field(
        720,
        ge=1,
        le=87_600,
        description="The same for special numbers, and for those with a prefix of `long_prefixes`.",
    )
    long_prefixes: NumberPrefixes = Field(
        ("4008",), description="Numbers that begin so are reserved as long as special ones."
    )
    freeze_s: WholeNumber = Field(
        1800, ge=0, le=86_400, description="Seconds a released number is frozen to everybody."
    )
    lock_h: WholeNumber = Field(
        720,
        ge=1,
        le=87_600,
        description="Hours a locked number waits for its real-name material; then it is released.",
    )
    arrears_days: WholeNumber = Field(
        ARREARS_DAYS,
        ge=0,
        le=365,
        description="Days overdue before a postpaid customer's number may be suspended "
        "for arrears.",
    )
    classes: NumberClasses = Field(
        DEFAULT_CLASSES,
        description="Endings, the first that fits: `SHAPE KIND YUAN`, KIND special or ordinary. "
        "Equal letters are equal digits, `ABC` is a run. Fixed when a number is added.",
    )
    key_file: FilePath | None = Field(
        None,
        description="Keys that seal intent forms, one a line, the first seals; empty: `form.keys` "
        "in the data folder, made when first needed.",
    )
    retention_h: WholeNumber = Field(
        720,
        ge=0,
        le=876_000,
        description="Hours an intent form is kept after its application opened or ended.",
    )


class PlansConfig(_Section):
    """Plans of customers."""

    retry_days: WholeNumber = Field(
        30,
        ge=0,
        le=366,
        description="Days that a year whose fee was not covered waits for money before the plan "
        "ends.",
    )
    look_s: WholeNumber = Field(
        60,
        ge=1,
        le=86_400,
        description="How often the server looks for what is due: lapses, the next year, renewals, "
        "plans that are used up.",
    )


class LogConfig(_Section):
    """The server's log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="`debug`, `info`, `warning` or `error`."
    )
    format: Literal["json", "console"] = Field(
        "json", description="`json` (one object a line) or `console` (for people)."
    )


class Config(_Section):
    """All of it, checked and immutable."""

    server: ServerConfig = ServerConfig()
    asterisk: tuple[AsteriskConfig, ...] = ()
    redis: RedisConfig = RedisConfig()
    database: DatabaseConfig = DatabaseConfig()
    billing: BillingConfig = BillingConfig()
    accounts: AccountsConfig = AccountsConfig()
    features: FeaturesConfig = FeaturesConfig()
    months: MonthsConfig = MonthsConfig()
    retention: RetentionConfig = RetentionConfig()
    numbers: NumbersConfig = NumbersConfig()
    plans: PlansConfig = PlansConfig()
    log: LogConfig = LogConfig()

    @model_validator(mode="after")
    def _pbx_names_differ(self) -> Self:
        names = [pbx.name for pbx in self.asterisk]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two [[asterisk]] sections are named {', '.join(twice)}")
        return self


def load_config(
    path: Path | None,
    env: Mapping[str, str],
    *,
    data: Path | None = None,
    http: str | None = None,
) -> Config:
    """Read the file (None: all defaults), then the environment, then the two arguments.

    `data` replaces `[server] data`, `http` (a port or HOST:PORT) `[server] http`. Raises
    ConfigError with every problem found.
    """
    arguments = {"data": str(data) if data is not None else None, "http": http}
    return load(Config, path, env, {key: text for key, text in arguments.items() if text})

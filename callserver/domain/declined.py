"""When a rule of the trade says no: an answer, not a fault."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something was declined, for machines: stable; docs/api.md explains each.

    Names that end in `_unknown` speak of things that do not exist, or may not be seen.
    """

    OPERATION_REUSED = "operation_reused"
    NOT_COVERED = "not_covered"
    CUSTOMER_UNKNOWN = "customer_unknown"
    PROVIDER_UNKNOWN = "provider_unknown"
    ENTRY_UNKNOWN = "entry_unknown"
    ENTRY_OF_A_CALL = "entry_of_a_call"
    ENTRY_NOT_REVERSIBLE = "entry_not_reversible"
    ALREADY_REVERSED = "already_reversed"
    BELOW_LIMIT = "below_limit"
    STATEMENT_TOO_LONG = "statement_too_long"
    NUMBER_UNKNOWN = "number_unknown"
    NUMBER_TAKEN = "number_taken"
    NUMBER_FROZEN = "number_frozen"
    TREE_HELD_IT_LAST = "tree_held_it_last"
    STATE_FORBIDS = "state_forbids"
    NOT_THE_HOLDER = "not_the_holder"
    ALREADY_APPROVED = "already_approved"
    NOT_APPROVED = "not_approved"
    SUSPENSION_STANDS = "suspension_stands"
    NOT_SUSPENDED_FOR_IT = "not_suspended_for_it"
    CUSTOMER_OF_ANOTHER_PROVIDER = "customer_of_another_provider"
    INTENT_FORM_REFUSED = "intent_form_refused"
    MATERIAL_REFUSED = "material_refused"
    APPLICATION_UNKNOWN = "application_unknown"
    MINIMUM_LOWERED = "minimum_lowered"
    CONFIRMATION_NEEDED = "confirmation_needed"
    MINIMUM_MALFORMED = "minimum_malformed"
    MINIMUM_NEEDS_RATE = "minimum_needs_rate"
    MONTH_NOT_OVER = "month_not_over"
    MONTH_OUT_OF_ORDER = "month_out_of_order"
    MONTH_UNKNOWN = "month_unknown"
    NUMBER_NOT_ACTIVE = "number_not_active"
    NOT_OVERDUE = "not_overdue"
    FEATURE_UNKNOWN = "feature_unknown"
    FEATURE_ACTIVE = "feature_active"
    FEATURE_NOT_ACTIVE = "feature_not_active"
    FEATURE_RENEWED = "feature_renewed"
    FEATURE_CYCLE_FIXED = "feature_cycle_fixed"
    ACTIVATION_UNKNOWN = "activation_unknown"
    DEDUCTION_UNKNOWN = "deduction_unknown"
    DISPUTE_NOT_OPEN = "dispute_not_open"
    VERSION_EXISTS = "version_exists"
    VERSION_BACKDATED = "version_backdated"
    PLAN_UNKNOWN = "plan_unknown"
    PLAN_RUNNING = "plan_running"
    PLAN_BACKDATED = "plan_backdated"
    PLAN_RENEWED = "plan_renewed"
    SUBSCRIPTION_UNKNOWN = "subscription_unknown"
    TARIFF_UNKNOWN = "tariff_unknown"
    NO_TARIFF = "no_tariff"
    CDR_UNKNOWN = "cdr_unknown"
    CALLER_DELETED = "caller_deleted"
    DISPUTE_UNKNOWN = "dispute_unknown"
    DISPUTE_MALFORMED = "dispute_malformed"


class Declined(Exception):
    """A rule says no, and nothing has moved. The text says why and what to do, for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

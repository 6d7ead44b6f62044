"""From the configuration to what the parts of the server take."""

from callserver.adapters.ami.link import AmiSettings
from callserver.config import AsteriskConfig, Config
from callserver.service.billing_policy import BillingPolicy


def ami_settings(asterisk: AsteriskConfig) -> AmiSettings:
    """How to reach one PBX's AMI."""
    return AmiSettings(
        name=asterisk.name,
        host=asterisk.host,
        port=asterisk.port,
        user=asterisk.user,
        secret=asterisk.secret.get_secret_value(),
    )


def billing_policy(config: Config) -> BillingPolicy:
    """The limits that calls are metered under."""
    return BillingPolicy(
        slice_s=config.billing.slice_s,
        call_max_s=config.billing.call_max_s,
        unmetered_max_s=config.billing.fallback_max_s,
        end_report_wait_ms=config.billing.end_report_wait_ms,
    )

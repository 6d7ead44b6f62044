"""What can go wrong on the AMI link, in the terms of the ports.

All are kinds of StoreUnavailable or OutcomeUnknown, so that services need not know of AMI.
"""

from callserver.ports import StoreUnavailable


class AmiUnavailable(StoreUnavailable):
    """The link is not ready, or has too much in hand: nothing was sent."""


class AmiRefused(StoreUnavailable):
    """Asterisk answered with an Error; nothing has changed. The text is Asterisk's Message."""


class AmiListIncomplete(StoreUnavailable):
    """A list came short, garbled or without its count: nothing may be concluded from it."""


class GarbledMessage(ValueError):
    """A message that is not of AMI's form, or says the same thing twice; none of it is used."""

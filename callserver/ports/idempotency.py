"""What requests' idempotency keys are kept in."""

from typing import Protocol


class KeyBook(Protocol):
    """Keys of requests and what they stood for. Raises StoreUnavailable, OutcomeUnknown."""

    async def claim_key(self, bearer: str, key: str, digest: str) -> bool:
        """Keep that this bearer's key stands for a request with this digest.

        True if it is new or stood for the same before; False if it stands for something else.
        """
        ...

"""How the world may fail. The tree is drawn in ``models.ports``."""

from __future__ import annotations


class PortError(Exception):
    """Something outside did not do what it was asked. The text is for people and holds no secret."""


class Temporary(PortError):
    """It did not happen. Trying again later may help.

    Args:
        message: What was refused, for people.
        retry_after: Seconds that the other side asked to wait; ``None`` where it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorised(Temporary):
    """Our token has expired or was revoked. It goes on by itself once a person has renewed it."""


class Permanent(PortError):
    """It did not happen, and trying again without a person's help is no use."""


class Ambiguous(PortError):
    """It may or may not have happened: the answer was lost.

    Args:
        message: What was lost, for people.
        settle_after: Seconds for which the other side may still be at work on it; to look before that is too early.
    """

    def __init__(self, message: str, settle_after: float = 0) -> None:
        super().__init__(message)
        self.settle_after = settle_after

"""The two ways a call to Shopify fails: try again, or tell a human."""


class TryAgain(Exception):
    """A passing trouble. `after`: wait so many seconds. `sent`: it may have been carried out all the same."""

    def __init__(self, message: str, after: float | None = None, *, sent: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.sent = sent


class NeedsHuman(Exception):
    """Trying again won't help: the merchant, or whoever runs the app, must act. `code` says which act."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code

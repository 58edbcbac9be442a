"""What the browser complains about: errors in the console, exceptions, dialogs that nobody asked for."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, WebError


class Watch:
    def __init__(self) -> None:
        self.requests: list[str] = []
        self._complaints: list[str] = []
        self._expected: list[str] = []

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._exception)
        context.on("dialog", self._dialog)
        context.on("request", self._request)

    def expect(self, *parts: str) -> None:
        """Complaints that hold one of these texts belong to the test."""
        self._expected += parts

    def judge(self) -> None:
        unexpected = [one for one in self._complaints if not any(part in one for part in self._expected)]
        assert not unexpected, unexpected

    def proxied(self) -> list[str]:
        """The requests so far that went through the app proxy."""
        return [address for address in self.requests if "/apps/loyalty" in address]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"{message.type}: {message.text} at {message.location.get('url')}")

    def _exception(self, error: WebError) -> None:
        self._complaints.append(f"exception: {error.error}")

    def _dialog(self, dialog: Dialog) -> None:
        self._complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

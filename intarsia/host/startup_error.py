"""Keeps the error with which an application failed to start, to show it as one sentence without a traceback."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intarsia.errors import IntarsiaError

_FAILED = "lifespan.startup.failed"


class StartupError:
    """ASGI middleware around an application's lifespan.

    Errors of Intarsia say what to do and need no traceback; it is kept for all others.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: IntarsiaError | None = None
        """The error, if the application failed to start with one of Intarsia's."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or run the lifespan."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failure: Message | None = None

        async def send_later(message: Message) -> None:
            nonlocal failure
            if message["type"] == _FAILED:  # Starlette sends it before it raises
                failure = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, send_later)
        except IntarsiaError as error:
            if failure is None:
                raise
            self.error, failure = error, {"type": _FAILED, "message": ""}
        finally:
            if failure is not None:
                await send(failure)

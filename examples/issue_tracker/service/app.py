"""The web application of the tracker."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette

from examples.issue_tracker.service.api import Api
from examples.issue_tracker.service.database import Database
from examples.issue_tracker.service.oauth import OAuth
from examples.issue_tracker.service.problems import Problem, show_problem

CLIENT = "Intarsia issue tracker"
CLIENTS = {CLIENT: "http://127.0.0.1:8484/connect/tracker/callback"}


class Tracker(Starlette):
    """The tracker service.

    Args:
        path: Its database file.
        clients: The programs that may ask for tokens, each with where people are sent back to.
        calls_per_minute: The rate limit of each user.
    """

    def __init__(self, path: Path, *, clients: dict[str, str] | None = None, calls_per_minute: int = 600) -> None:
        self.database = Database(path)
        self.api = Api(self.database, calls_per_minute)
        oauth = OAuth(self.database, clients or CLIENTS)

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
            async with self.database.running():
                yield

        routes = [*self.api.routes, *oauth.routes]
        super().__init__(routes=routes, exception_handlers={Problem: show_problem}, lifespan=lifespan)


def default_path() -> Path:
    """Return where the tracker keeps its data: `TRACKER_DATA`, or a file in the user's state folder."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(os.environ.get("TRACKER_DATA") or Path(state) / "intarsia" / "tracker-service.db")

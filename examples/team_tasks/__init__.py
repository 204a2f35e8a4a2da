"""Team tasks: the boards of several projects, stored in a database file."""

from examples.team_tasks.tools import tasks as connector

__all__ = ["connector"]

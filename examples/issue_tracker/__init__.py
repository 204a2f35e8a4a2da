"""A connector in front of another service: an issue tracker with its own users and permissions."""

from examples.issue_tracker.tools import issues as connector

__all__ = ["connector"]

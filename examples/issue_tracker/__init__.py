"""A connector in front of another service: an issue tracker that has its own people and permissions."""

from examples.issue_tracker.tools import issues as connector

__all__ = ["connector"]

"""Machine monitor: the state of the machine that runs it."""

from examples.machine_monitor.tools import machine as connector

__all__ = ["connector"]

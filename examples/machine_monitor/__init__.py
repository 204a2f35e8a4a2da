"""Machine monitor: how the machine is doing that this runs on."""

from examples.machine_monitor.tools import machine as connector

__all__ = ["connector"]

"""The tables of switches, in the connector's store, so that all processes that share it follow them."""

from sqlalchemy import Column, Integer, String, Table, Text
from sqlalchemy.types import Float

from intarsia.server.storage.store import OWN_TABLES

SWITCHES = Table(
    "intarsia_switches",
    OWN_TABLES,
    Column("what", String(200), primary_key=True),
    Column("role", String(200), primary_key=True),
    Column("position", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
)
"""Switches that were ever set. The role is empty for a switch that applies to all callers."""

SEEN_TOOLS = Table(
    "intarsia_seen_tools",
    OWN_TABLES,
    Column("tool", String(200), primary_key=True),
    Column("at", Float, nullable=False),
)
"""Tools that an earlier start of the connector had."""

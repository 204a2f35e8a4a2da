"""The storage of brands. The tokens and their rules are in `tokens.py`."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from examples.brand_studio.tokens import Value

TABLES = MetaData()

BRANDS = Table(
    "brands",
    TABLES,
    Column("id", String(40), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("tokens", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_by", String(80), nullable=False),
)

FIRST_BRANDS = (
    {
        "id": "northwind",
        "title": "Northwind",
        "tokens": {"accent": "#1f5fbf", "radius": 8.0, "font": "system", "shadow": True},
        "version": 1,
        "changed_by": "Ingrid Solheim",
    },
    {
        "id": "juniper",
        "title": "Juniper",
        "tokens": {"accent": "#2e7d4f", "radius": 2.0, "font": "serif", "shadow": False},
        "version": 1,
        "changed_by": "Tariq Mansour",
    },
)


@dataclass(frozen=True)
class Brand:
    """One brand with its tokens."""

    id: str
    title: str
    tokens: dict[str, Value]
    version: int
    changed_by: str


async def fill_if_new(connection: AsyncConnection) -> None:
    """Insert missing brands."""
    there = set((await connection.execute(select(BRANDS.c.id))).scalars())
    missing = [brand for brand in FIRST_BRANDS if brand["id"] not in there]
    if missing:
        await connection.execute(insert(BRANDS), missing)


async def load_brand(connection: AsyncConnection, brand: str) -> Brand:
    """Return a brand."""
    row = (await connection.execute(select(BRANDS).where(BRANDS.c.id == brand))).mappings().one()
    return Brand(**row)


async def write_tokens(
    connection: AsyncConnection, brand: Brand, values: Mapping[str, Value], changed_by: str
) -> Brand:
    """Update tokens of a brand, and return the brand."""
    new = Brand(brand.id, brand.title, {**brand.tokens, **values}, brand.version + 1, changed_by)
    await connection.execute(update(BRANDS).where(BRANDS.c.id == brand.id).values(vars(new)))
    return new

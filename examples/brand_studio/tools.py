"""The connector with its widget and action. The rules of the tokens are in `tokens.py`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal

from examples.brand_studio.store import TABLES, fill_if_new, load_brand, write_tokens
from examples.brand_studio.tokens import Value, check_values, controls_for
from examples.people import name_of
from intarsia import ConflictError, Connector, Done, Grant
from intarsia.widgets import DesignPanel

BrandName = Literal["northwind", "juniper"]


@asynccontextmanager
async def lifespan(_connector: Connector) -> AsyncGenerator[None]:
    """Insert the brands before the first call."""
    async with brands.change() as connection:
        await fill_if_new(connection)
    yield


brands = Connector(
    "Brand studio",
    instructions="The design tokens of two brands. brand_panel shows them, save_tokens changes them.",
    tables=TABLES,
    lifespan=lifespan,
)


@brands.widget(scopes={"brand:read"})
async def brand_panel(brand: BrandName) -> DesignPanel:
    """Adjust a brand's accent color, corners, typeface and shadow, with a live preview."""
    async with brands.read() as connection:
        shown = await load_brand(connection, brand)
    return DesignPanel(
        controls_for(shown.tokens),
        title=shown.title,
        draft=True,
        version=shown.version,
        on_save=partial(save_tokens, brand=brand),
    )


@brands.action(title="Save", scopes={"brand:write"})
async def save_tokens(brand: BrandName, values: dict[str, Value], version: int, grant: Grant) -> Done:
    """Save tokens of a brand, given by name; those left out stay as they are."""
    check_values(values)
    async with brands.change() as connection:
        old = await load_brand(connection, brand)
        if old.version != version:
            reason = f"{old.changed_by} saved other values meanwhile."
            raise ConflictError(reason, current={**old.tokens, "version": old.version})
        changed = {name: value for name, value in values.items() if value != old.tokens[name]}
        if not changed:
            return Done(f"{old.title} has these values already.")
        new = await write_tokens(connection, old, changed, name_of(grant, "BRAND_STUDIO_PERSON"))
        before = {name: old.tokens[name] for name in changed}
        return Done(
            f"Saved {', '.join(changed)} of {old.title}.",
            undo=partial(save_tokens, brand=brand, values=before, version=new.version),
        )

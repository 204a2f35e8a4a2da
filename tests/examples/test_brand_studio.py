"""The brands' tokens, called as a host would call them: rules, versions, drafts and undo."""

from typing import Any

import pytest

from examples.brand_studio.tools import brand_panel
from intarsia import Connector
from intarsia.server.wire.messages import CallResponse
from tests.examples.conftest import call
from tests.server.view_state import Shown

BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"acent": "#000000"}, "There is no such token. Did you mean 'accent'?"),
    ({"<b>": "#000000"}, "The tokens are accent, radius, font, shadow."),
    ({"accent": "red"}, "accent must be six hexadecimal digits after #"),
    ({"accent": "#12345\n"}, "accent must be six hexadecimal digits after #"),
    ({"accent": True}, "accent must be six hexadecimal digits after #"),
    ({"radius": 25}, "radius must be a whole number from 0 to 24."),
    ({"radius": -1}, "radius must be a whole number from 0 to 24."),
    ({"radius": 2.5}, "radius must be a whole number from 0 to 24."),
    ({"radius": 1e308}, "radius must be a whole number from 0 to 24."),
    ({"radius": True}, "radius must be a whole number from 0 to 24."),
    ({"radius": "8"}, "radius must be a whole number from 0 to 24."),
    ({"font": "comic"}, "font must be one of system, humanist, serif, rounded, mono."),
    ({"font": 1}, "font must be one of system"),
    ({"shadow": 1}, "shadow must be true or false."),
    ({"shadow": "yes"}, "shadow must be true or false."),
    ({"radius": 4, "shadow": "yes"}, "shadow must be true or false."),
    ({"accent": None}, "values.accent must be"),
    ({"accent": ["#000000"]}, "values.accent must be"),
]


async def save(
    brands: Connector, values: dict[str, Any], version: int = 1, meta: dict[str, Any] | None = None
) -> CallResponse:
    return await call(brands, "save_tokens", meta, brand="northwind", values=values, version=version)


async def test_a_panel_has_four_controls_and_says_in_text_how_to_save(brands: Connector) -> None:
    panel = await brand_panel("juniper")
    text = (await call(brands, "brand_panel", brand="juniper")).text

    assert panel.title == "Juniper"
    assert [(token.kind, token.name) for token in panel.tokens] == [
        ("color_field", "accent"),
        ("slider", "radius"),
        ("select", "font"),
        ("checkbox", "shadow"),
    ]
    assert all(name in text for name in ("`accent`", "`radius`", "`font`", "`shadow`", "`save_tokens`", "#2e7d4f"))


async def test_the_brands_are_apart_and_outlive_a_restart(stopped_brands: Connector) -> None:
    async with stopped_brands.running():
        juniper = await brand_panel("juniper")
        await save(stopped_brands, {"accent": "#be185d", "radius": 12, "font": "mono", "shadow": False})
    async with stopped_brands.running():
        northwind = await brand_panel("northwind")

        assert northwind.saved == {"accent": "#be185d", "radius": 12, "font": "mono", "shadow": False}
        assert northwind.version == 2
        assert await brand_panel("juniper") == juniper


async def test_undo_brings_back_the_values_before(brands: Connector) -> None:
    before = (await brand_panel("northwind")).saved

    saved = await save(brands, {"accent": "#be185d", "radius": 12})
    assert saved.text == "Saved accent, radius of Northwind."
    undo = saved.meta["dev.intarsia/done"]["undo"]
    undone = await call(brands, undo["tool"], None, **undo["arguments"])

    assert not undone.is_error, undone.text
    assert (await brand_panel("northwind")).saved == before


async def test_a_stale_save_changes_nothing_and_tells_what_is_there(
    brands: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRAND_STUDIO_PERSON", "Ada Lovelace")
    await save(brands, {"radius": 12})

    stale = await save(brands, {"radius": 20})

    problem = stale.meta["dev.intarsia/problem"]
    assert problem["kind"] == "conflict"
    assert problem["message"] == "Ada Lovelace saved other values meanwhile."
    assert problem["current"]["radius"] == 12
    assert problem["current"]["version"] == 2
    assert (await brand_panel("northwind")).saved["radius"] == 12


async def test_the_same_save_sent_twice_is_applied_once(brands: Connector) -> None:
    key = {"dev.intarsia/id": "0123456789abcdef"}

    await save(brands, {"radius": 12}, meta=key)
    second = await save(brands, {"radius": 12}, meta=key)

    assert second.meta["dev.intarsia/done"]["replayed"]
    assert (await brand_panel("northwind")).version == 2


async def test_values_that_are_there_already_make_no_new_version(brands: Connector) -> None:
    answer = await save(brands, {"radius": 8, "shadow": True})

    assert answer.text == "Northwind has these values already."
    assert (await brand_panel("northwind")).version == 1


async def test_a_draft_is_kept_until_it_is_saved(brands: Connector) -> None:
    opened = await call(brands, "brand_panel", brand="northwind")
    handle = {"dev.intarsia/view": opened.meta["dev.intarsia/view"]}
    values = {"radius": 20, "font": "x"}
    await call(brands, "intarsia_draft", handle, tool="brand_panel", arguments={"brand": "northwind"}, values=values)
    drafted = await call(brands, "brand_panel", brand="northwind")
    shown = Shown(drafted.meta["dev.intarsia/parts"])
    assert "not saved yet: 20" in drafted.text
    assert "not saved yet: `x`" not in drafted.text
    assert (await brand_panel("northwind")).saved["radius"] == 8

    saved = await save(brands, {"radius": 20}, meta=shown.meta())
    after = await call(brands, "brand_panel", brand="northwind")

    assert not saved.is_error
    assert saved.meta["dev.intarsia/parts"]["parts"]
    assert "not saved yet" not in after.text
    assert (await brand_panel("northwind")).saved["radius"] == 20


@pytest.mark.parametrize(("values", "reason"), BAD_VALUES)
async def test_a_value_that_breaks_its_rule_is_refused_and_nothing_is_saved(
    brands: Connector, values: dict[str, Any], reason: str
) -> None:
    before = await brand_panel("northwind")

    answer = await save(brands, values)

    assert answer.is_error
    assert reason in answer.text
    assert await brand_panel("northwind") == before


async def test_an_unknown_brand_is_refused_with_the_choices(brands: Connector) -> None:
    answer = await call(brands, "brand_panel", brand="northwin")

    assert answer.is_error
    assert "northwind" in answer.text
    assert "juniper" in answer.text

"""A person acts: once, in order, with the true widget at the end."""

import pytest
from playwright.async_api import expect

from tests.view.conftest import Flavor, Lab

FLAVORS: tuple[Flavor, ...] = ("same", "opaque", "loose")


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_moved_card_is_where_the_server_says_in_every_sandbox(lab: Lab, flavor: Flavor) -> None:
    await lab.open(flavor)
    await lab.order("todo", ["T-1", "T-2", "T-3"])

    outcome = await lab.inside(
        """() => probe.view.act("move", {column: "doing", index: 0}, document.querySelector("#w-card-T-2"))"""
    )

    assert outcome == {"ok": True, "message": "Moved T-2 to doing."}
    await lab.order("todo", ["T-1", "T-3"])
    await lab.order("doing", ["T-2", "T-4"])
    await lab.status().to_have_text("Moved T-2 to doing.")

"""Makes the board with Prefab, in the environment where Prefab is installed.

Run by path by `benchmarks.prefab`: the first line of its input is the data, each later one an order, answered by one
line. A card can be completed and moved to the column beside it, so that it offers what Intarsia's card offers.
"""

import importlib
import json
import sys
import time
from typing import Any

Json = dict[str, Any]

app: Any = importlib.import_module("prefab_ui.app")
ui: Any = importlib.import_module("prefab_ui.components")
mcp: Any = importlib.import_module("prefab_ui.actions.mcp")
rx: Any = importlib.import_module("prefab_ui.rx")


def make_tree(stages: list[Json]) -> Any:
    """Make one component for each thing that is shown."""
    with app.PrefabApp() as made, ui.Column(gap=4):
        ui.Heading("Apollo")
        with ui.Row(gap=4):
            for stage in stages:
                with ui.Column(gap=2):
                    ui.Heading(stage["title"], level=3)
                    for card in stage["cards"]:
                        _draw(f"card-{card['id']} p-3", card["id"], card["title"], card["version"], card["facts"])
    return made


def _draw(style: str, card: str, title: str, version: int, facts: list[str]) -> None:
    with ui.Card(css_class=style):
        done = {"card": card, "done": rx.EVENT, "version": version}
        ui.Checkbox(label=title, on_change=mcp.CallTool("complete_card", arguments=done))
        with ui.Row(gap=2):
            for fact in facts:
                ui.Badge(fact)
            ui.Muted(card)
            for label, step in (("Left", -1), ("Right", 1)):
                moved = {"card": card, "step": step, "version": version}
                ui.Button(label, on_click=mcp.CallTool("move_card", arguments=moved))


def make_foreach(stages: list[Json]) -> Any:
    """Make one template for all cards, with the data beside it."""
    with app.PrefabApp(state={"stages": stages}) as made, ui.Column(gap=4):
        ui.Heading("Apollo")
        with ui.Row(gap=4), ui.ForEach("stages") as stage, ui.Column(gap=2):
            ui.Heading(stage.title, level=3)
            with ui.ForEach(stage.cards) as card, ui.Card(css_class="p-3"):
                done = {"card": card.id, "done": rx.EVENT, "version": card.version}
                ui.Checkbox(label=card.title, on_change=mcp.CallTool("complete_card", arguments=done))
                with ui.Row(gap=2):
                    with ui.ForEach(card.facts) as fact:
                        ui.Badge(fact)
                    ui.Muted(card.id)
                    for label, step in (("Left", -1), ("Right", 1)):
                        moved = {"card": card.id, "step": step, "version": card.version}
                        ui.Button(label, on_click=mcp.CallTool("move_card", arguments=moved))
    return made


FORMS = {"tree": make_tree, "foreach": make_foreach}


def main() -> None:
    """Answer until the input ends."""
    stages = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        order = json.loads(line)
        started = time.process_time()
        wire = FORMS[order["form"]](stages).to_json()
        took = (time.process_time() - started) * 1_000
        text = json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
        answer = {"ms": took, "bytes": len(text.encode()), **({"wire": wire} if order.get("wire") else {})}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

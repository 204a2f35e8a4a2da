"""Widgets that somebody adds, made by the steps of CONTRIBUTING and nothing else: no module of the product names them.

They hold other widgets in every way that an annotation can say. Their templates stand beside them, as
`intarsia/ui_templates` has them, and are found there while `installed` is open.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, DictLoader, FileSystemLoader

from intarsia.ui_templates import render
from intarsia.widgets import Widget
from tests.security.new_widgets.cabinet import Cabinet
from tests.security.new_widgets.catalog import Catalog, CatalogRow
from tests.security.new_widgets.frame import Frame
from tests.security.new_widgets.pile import Pile
from tests.security.new_widgets.report import Report

FOLDER = Path(__file__).parent
NEW_WIDGETS: tuple[type[Widget], ...] = (Pile, Cabinet, Frame, Report, Catalog)

__all__ = ["FOLDER", "NEW_WIDGETS", "Cabinet", "Catalog", "CatalogRow", "Frame", "Pile", "Report", "installed"]


@contextmanager
def installed(more: Mapping[str, str] | None = None) -> Generator[None]:
    """Let the templates of these widgets be found, and more by their names.

    Args:
        more: Path to source, such as `pile/view.html`.
    """
    environments = (render._environment(), render.text_environment())  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - there is no other way in
    before = [environment.loader for environment in environments]
    for environment in environments:
        assert isinstance(environment.loader, BaseLoader)
        environment.loader = ChoiceLoader([DictLoader(more or {}), environment.loader, FileSystemLoader(FOLDER)])
    try:
        yield
    finally:
        for environment, loader in zip(environments, before, strict=True):
            environment.loader = loader
            if environment.cache is not None:
                environment.cache.clear()

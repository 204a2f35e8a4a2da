"""Rendering of widgets to markup and text.

Each widget has a folder named after it with `view.html` (Jinja2, autoescaped), `text.md` (the text form), `style.css`
and, if needed, `behavior.ts`. The View's own scripts are in `view/`. This package calls no tools and makes no access
decisions.
"""

from intarsia.ui_templates.document import ViewDocument, load_document
from intarsia.ui_templates.render import ListPart, Part, Rendering, render_text, render_widget

__all__ = ["ListPart", "Part", "Rendering", "ViewDocument", "load_document", "render_text", "render_widget"]

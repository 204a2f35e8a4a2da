"""The hatch build hook: bundles the View and the host page before the package is built, editable or not."""

import subprocess
import sys

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundleHook(BuildHookInterface[BuilderConfig]):
    """Runs `bundle.py` in the environment that builds the package."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:  # noqa: ARG002 - hatch names the arguments
        """Bundle for a wheel and for an editable install; a source distribution carries the sources instead."""
        if self.target_name != "wheel":
            return
        finished = subprocess.run([sys.executable, "-m", "scripts.bundle"], cwd=self.root, check=False)
        if finished.returncode:
            message = "Intarsia was not built, because its bundles could not be made."
            raise SystemExit(message)

"""Runs the tracker: `python -m examples.issue_tracker.service`."""

import uvicorn

from examples.issue_tracker.service.app import Tracker, default_path

if __name__ == "__main__":
    uvicorn.run(Tracker(default_path()), host="127.0.0.1", port=8401)

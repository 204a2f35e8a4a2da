"""What Intarsia costs, side by side with what it could be replaced by: `python -m benchmarks.view`."""

"""Prints what the sampler wrote."""

import json
from pathlib import Path

OWN, TOTAL = 45, 70


def show(file: Path) -> None:
    """Functions by their share of the samples."""
    found = json.loads(file.read_text())
    samples = max(1, found["samples"])
    for kind, most in (("own", OWN), ("total", TOTAL)):
        print(f"{kind} time of {samples} samples")
        for name, count in found[kind][:most]:
            print(f"  {100 * count / samples:5.1f} %  {name}")

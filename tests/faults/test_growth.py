"""A year in short (F25, F34, F37; P3): nothing grows while processes, interfaces, loop and zram devices come and go."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "tools/soak.py"


@pytest.mark.root
@pytest.mark.slow
def test_nothing_grows_over_a_thousand_ticks() -> None:
    """`make soak` is the long form: 86,400 ticks."""
    command = [sys.executable, str(SOAK), "--ticks", "1000", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    figures = json.loads(result.stdout)
    assert figures["grew"] == [], figures
    assert figures["churn_steps"] > 200, "it had namespaces of its own, and devices that come and go"
    assert figures["missed"] == 0
    assert figures["stuck"] == {}
    assert result.returncode == 0

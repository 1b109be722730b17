"""Runs the benchmarks, one question a file.

python benchmarks/run.py              # all
python benchmarks/run.py processes    # some
"""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ("processes", "sysfs")


def main(names: list[str]) -> None:
    sys.path.insert(0, str(ROOT))
    measure = importlib.import_module("benchmarks.measure")
    print(f"measured on: {measure.machine()}")
    for name in names or QUESTIONS:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Runs the benchmarks, one question a file, side by side with peers in one run.

python benchmarks/run.py                # all, about eight minutes
python benchmarks/run.py processes      # some
python benchmarks/run.py --quick        # all, shorter and less exact
python benchmarks/run.py --readme       # and write the table in README.md
"""

import importlib
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ("processes", "host", "quiet", "encoding", "start", "recording", "web")
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"


def table(rows: list[Any]) -> str:
    """The results as Markdown."""
    lines = ["| question | result | target |", "|---|---|---|"]
    for row in rows:
        missed = " (missed)" if row.met is False else ""
        lines.append(f"| {row.question} | {row.result}{missed} | {row.target} |")
    return "\n".join(lines) + "\n"


def write(text: str) -> None:
    """Put the table between its marks in README.md."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    readme.write_text(before + BEGIN + text + END + rest.partition(END)[2])


def main(arguments: list[str]) -> None:
    sys.path.insert(0, str(ROOT))
    options = {argument for argument in arguments if argument.startswith("--")}
    measure = importlib.import_module("benchmarks.measure")
    start = time.monotonic()
    print(f"measured on: {measure.machine()}")
    for name in [argument for argument in arguments if argument not in options] or QUESTIONS:
        question = importlib.import_module(f"benchmarks.{name}")
        question.main(**question.QUICK if "--quick" in options else {})
    text = table(measure.RESULTS)
    print(f"\n# Results on {measure.machine()}, after {time.monotonic() - start:.0f} s\n\n{text}")
    missed = sum(row.met is False for row in measure.RESULTS)
    print(f"{missed} of {sum(row.met is not None for row in measure.RESULTS)} targets missed")
    if "--readme" in options:
        write(text)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Fails when every test of a kind that needs something special was skipped: such a run proves nothing.

python tools/skipped.py REPORT.xml ...
"""

import sys
from xml.etree import ElementTree

KINDS = ("root", "server", "browser")


def main(reports: list[str]) -> int:
    ran: dict[str, int] = dict.fromkeys(KINDS, 0)
    known: dict[str, int] = dict.fromkeys(KINDS, 0)
    for case in (case for report in reports for case in ElementTree.parse(report).getroot().iter("testcase")):
        marks = {item.get("value") for item in case.iter("property") if item.get("name") == "needs"}
        for kind in KINDS:
            if kind in marks:
                known[kind] += 1
                ran[kind] += case.find("skipped") is None
    bad = [kind for kind in KINDS if not ran[kind]]
    for kind in bad:
        print(f"every test that needs a {kind} was skipped ({known[kind]} of them)")
    print(", ".join(f"{kind}: {ran[kind]} of {known[kind]} ran" for kind in KINDS))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

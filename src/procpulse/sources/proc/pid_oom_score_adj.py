"""/proc/[pid]/oom_score_adj: how much a process is spared, or offered, when memory runs out.

    -900

https://docs.kernel.org/filesystems/proc.html#proc-pid-oom-adj-proc-pid-oom-score-adj-adjust-the-oom-killer-score
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.process import Part, ProcessFile
from procpulse.text import number


class PidOomScoreAdj(msgspec.Struct, frozen=True, gc=False):
    """What was set for the case that memory runs out."""

    adjustment: Annotated[int, gauge("Shift of the score, from -1000 (never killed) to 1000 (first).")]


def parse(file: ProcessFile) -> PidOomScoreAdj:
    return PidOomScoreAdj(number(file.data.strip()))


PID_OOM_SCORE_ADJ = Part("oom_score_adj", "oom_score_adj", PidOomScoreAdj, parse, program=True)

"""/proc/[pid]/oom_score: how likely a process is to be killed when memory runs out.

    668

https://docs.kernel.org/filesystems/proc.html#proc-pid-oom-score-display-current-oom-killer-score
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.process import Part, ProcessFile
from procpulse.text import number


class PidOomScore(msgspec.Struct, frozen=True, gc=False):
    """What the kernel thinks of killing a process."""

    score: Annotated[int, gauge("Badness: the process with the highest is killed first; 0 for never.")]


def parse(file: ProcessFile) -> PidOomScore:
    return PidOomScore(number(file.data.strip()))


PID_OOM_SCORE = Part("oom_score", "oom_score", PidOomScore, parse, program=True)

import pytest

from procpulse.sources.proc.pid_fd_count import PID_FD_COUNT, PidFdCount
from tests.cases import folder

PATH = "/proc/4242"


@pytest.mark.parametrize(("names", "count"), [([], 0), (["0", "1", "255"], 3)], ids=["none", "three"])
def test_pid_fd_count(names: list[str], count: int) -> None:
    assert PID_FD_COUNT.parse(folder(PATH, {"fd/": names})) == PidFdCount(count)


def test_not_allowed() -> None:
    with pytest.raises(ValueError, match="no directory"):
        PID_FD_COUNT.parse(folder(PATH, {}))

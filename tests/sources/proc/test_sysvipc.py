from procpulse import Failure, Reason
from procpulse.sources import SYSVIPC
from procpulse.sources.proc.sysvipc import MessageQueue, SemaphoreSet, SharedMemory, Sysvipc
from tests.cases import failure, read, reading

FOLDER = "/proc/sysvipc/"
SHM = (
    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
    "      atime      dtime      ctime                   rss                  swap\n"
)
MSG = (
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
    "      stime      rtime      ctime\n"
)
SEM = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"


def test_one_of_each() -> None:
    files = {
        FOLDER + "shm": SHM + "1627390003 4 600 4194304 1702 4242 2 1000 100 0 1 1768300105 1768300090 1768299800"
        " 2097152 65536\n",
        FOLDER + "msg": MSG + "305419896 0 660 3072 6 4242 1702 1000 100 0 1 1768305000 1768304990 1768300000\n",
        FOLDER + "sem": SEM + "5432001 1 600 17 26 27 28 29 1768305011 1768290011\n",
    }
    assert read(SYSVIPC, files) == Sysvipc(
        [
            SharedMemory(
                4, 1627390003, 0o600, False, False, 4194304, 2097152, 65536, 2, 1702, 4242, 1000, 100, 0, 1,
                1768300105, 1768300090, 1768299800,
            )
        ],
        [MessageQueue(0, 305419896, 0o660, 3072, 6, 4242, 1702, 1000, 100, 0, 1, 1768305000, 1768304990, 1768300000)],
        [SemaphoreSet(1, 5432001, 0o600, 17, 26, 27, 28, 29, 1768305011, 1768290011)],
    )  # fmt: skip


def test_a_segment_that_is_locked_and_on_its_way_out() -> None:
    found = read(
        SYSVIPC, {FOLDER + "shm": SHM + "-559038737 32774 3666 9 1 0 0 0 0 0 0 0 0 7 18446744073709551615 0\n"}
    )
    assert found == Sysvipc(
        [SharedMemory(32774, -559038737, 0o666, True, True, 9, 18446744073709551615, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7)]
    )


def test_columns_are_found_by_their_names() -> None:
    text = "  key semid perms new nsems uid gid cuid cgid otime ctime\n 1 2 644 99 3 4 5 6 7 8 9 10\n"
    assert read(SYSVIPC, {FOLDER + "sem": text}).semaphore_sets == [SemaphoreSet(2, 1, 0o644, 3, 4, 5, 6, 7, 8, 9)]


def test_nothing_shared() -> None:
    files = {FOLDER + "shm": SHM, FOLDER + "msg": MSG, FOLDER + "sem": SEM}
    assert read(SYSVIPC, files) == Sysvipc([], [], [])


def test_no_system_v() -> None:
    assert failure(SYSVIPC, {}).reason is Reason.MISSING


def test_more_than_a_page_of_segments() -> None:
    rows = "".join(f"{i} {i} 600 4096 1 2 1 0 0 0 0 0 0 0 4096 0\n" for i in range(1000))
    found = read(SYSVIPC, {FOLDER + "shm": SHM + rows}).shared_memory
    assert found is not None
    assert [segment.shmid for segment in found] == list(range(1000))


def test_what_cannot_be_read_costs_its_own_table() -> None:
    files: dict[str, str | Failure] = {
        FOLDER + "shm": Failure(Reason.DENIED, FOLDER + "shm", "EACCES"),
        FOLDER + "msg": MSG + "1 2 3\n",
        FOLDER + "sem": SEM + "1 1 899 17 26 27 28 29 1 1\n",
    }
    value, this = reading(SYSVIPC, files)
    assert value == Sysvipc(None, [], [])
    assert {part: failure.reason for part, failure in this.failures.items()} == {
        "shm": Reason.DENIED,
        "msg": Reason.MALFORMED,
        "sem": Reason.MALFORMED,
    }

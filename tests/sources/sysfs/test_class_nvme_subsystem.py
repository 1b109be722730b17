from procpulse import Reason
from procpulse.sources import CLASS_NVME_SUBSYSTEM
from procpulse.sources.sysfs.class_nvme_subsystem import NvmePath, NvmeSubsystem
from tests.cases import Files, failure, read

S = "/sys/class/nvme-subsystem/nvme-subsys1"
ARRAY = {
    f"{S}/subsysnqn": "nqn.1992-08.com.example:sn.48391d66:subsystem.vol7\n",
    f"{S}/model": "Example Array                           \n",
    f"{S}/serial": "81Gx7NSiKSRNAAAAAAAB\n",
    f"{S}/firmware_rev": "9.14.1\n",
    f"{S}/nvme10/state": "connecting\n",
    f"{S}/nvme10/transport": "tcp\n",
    f"{S}/nvme10/address": "traddr=192.0.2.18,trsvcid=4420\n",
    f"{S}/nvme10/nvme1c10n2/state": "not a controller\n",
    f"{S}/nvme2/state": "live\n",
    f"{S}/nvme2/transport": "fc\n",
    f"{S}/nvme2/address": "nn-0x200000109b7c4e12:pn-0x100000109b7c4e12\n",
    f"{S}/nvme1n10/size": "8\n",
    f"{S}/nvme1n2/size": "8\n",
}
PATHS = [
    NvmePath("nvme2", "live", "fc", "nn-0x200000109b7c4e12:pn-0x100000109b7c4e12"),
    NvmePath("nvme10", "connecting", "tcp", "traddr=192.0.2.18,trsvcid=4420"),
]
NQN = "nqn.1992-08.com.example:sn.48391d66:subsystem.vol7"


def test_paths_and_namespaces_kernel_4_18() -> None:
    assert read(CLASS_NVME_SUBSYSTEM, ARRAY) == [
        NvmeSubsystem(
            "nvme-subsys1", NQN, "Example Array", "81Gx7NSiKSRNAAAAAAAB", "9.14.1", None, PATHS, ["nvme1n2", "nvme1n10"]
        )
    ]


def test_a_choice_of_paths_kernel_6_11() -> None:
    [subsystem] = read(CLASS_NVME_SUBSYSTEM, {f"{S}/iopolicy": "queue-depth\n"})
    assert subsystem == NvmeSubsystem("nvme-subsys1", iopolicy="queue-depth")


def test_hostile_names() -> None:
    files: Files = {f"{S}/nvme1/address": "traddr=\u202e::1\n", f"{S}/nvme1n\x1b/size": "8\n", f"{S}/model": b"\xff"}
    assert read(CLASS_NVME_SUBSYSTEM, files) == [
        NvmeSubsystem("nvme-subsys1", model="\\xff", controllers=[NvmePath("nvme1", address="traddr=\\u202e::1")])
    ]


def test_no_nvme() -> None:
    assert failure(CLASS_NVME_SUBSYSTEM, {}).reason is Reason.MISSING

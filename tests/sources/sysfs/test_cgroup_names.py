from typing import Any

import pytest

from procpulse.source import Host
from procpulse.sources.proc.pid_cgroup import PID_CGROUP
from procpulse.sources.sysfs._cgroup_names import NOTHING, CgroupNames, names, unescaped
from tests.cases import parse

ID = "0123456789abcdef" * 4
UID = "1a2b3c4d-1111-2222-3333-444444444444"
UNDER = UID.replace("-", "_")

CASES: list[Any] = [
    pytest.param("/", {}, id="the root"),
    pytest.param("/system.slice", {"slice": "system.slice"}, id="a slice"),
    pytest.param("/system.slice/nginx.service", {"slice": "system.slice", "unit": "nginx.service"}, id="a service"),
    pytest.param(
        "/system.slice/nginx.service/workers",
        {"slice": "system.slice", "unit": "nginx.service"},
        id="a group that a service made below its own",
    ),
    pytest.param(
        r"/system.slice/system-systemd\x2dfsck.slice/systemd-fsck@dev-disk-by\x2duuid-1.service",
        {"slice": "system-systemd-fsck.slice", "unit": "systemd-fsck@dev-disk-by-uuid-1.service"},
        id="escaped dashes, a slice in a slice",
    ),
    pytest.param("/init.scope", {"unit": "init.scope"}, id="systemd itself"),
    pytest.param("/system.slice/_tasks.service", {"slice": "system.slice", "unit": "tasks.service"}, id="underscored"),
    pytest.param(
        "/user.slice/user-1000.slice/session-c3.scope",
        {"slice": "user-1000.slice", "unit": "session-c3.scope", "session": "c3", "user_id": 1000},
        id="a login",
    ),
    pytest.param(
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.slice/vte-1.scope",
        {
            "slice": "user-1000.slice",
            "unit": "user@1000.service",
            "user_slice": "app-x.slice",
            "user_unit": "vte-1.scope",
            "user_id": 1000,
        },
        id="a unit of a user's own systemd",
    ),
    pytest.param(
        f"/system.slice/docker-{ID}.scope",
        {"slice": "system.slice", "unit": f"docker-{ID}.scope", "container_id": ID, "runtime": "docker"},
        id="docker by systemd",
    ),
    pytest.param(f"/docker/{ID}", {"container_id": ID, "runtime": "docker"}, id="docker by itself"),
    pytest.param(
        f"/docker/{ID}/system.slice/ssh.service",
        {"container_id": ID, "runtime": "docker"},
        id="a systemd inside: its units are not the host's",
    ),
    pytest.param(
        f"/machine.slice/libpod-{ID}.scope/container",
        {"slice": "machine.slice", "unit": f"libpod-{ID}.scope", "container_id": ID, "runtime": "podman"},
        id="podman",
    ),
    pytest.param(f"/libpod_parent/libpod-{ID}", {"container_id": ID, "runtime": "podman"}, id="podman by itself"),
    pytest.param(
        f"/machine.slice/libpod-conmon-{ID}.scope",
        {"slice": "machine.slice", "unit": f"libpod-conmon-{ID}.scope"},
        id="what watches over a container is not in it",
    ),
    pytest.param(
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
        {
            "slice": "user-1000.slice",
            "unit": "user@1000.service",
            "user_slice": "user.slice",
            "user_unit": f"libpod-{ID}.scope",
            "user_id": 1000,
            "container_id": ID,
            "runtime": "podman",
        },
        id="podman without root",
    ),
    pytest.param(
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UNDER}.slice/cri-containerd-{ID}.scope",
        {
            "slice": f"kubepods-burstable-pod{UNDER}.slice",
            "unit": f"cri-containerd-{ID}.scope",
            "container_id": ID,
            "runtime": "containerd",
            "pod_uid": UID,
            "qos_class": "burstable",
        },
        id="a pod by systemd, containerd",
    ),
    pytest.param(
        f"/kubepods.slice/kubepods-pod{UNDER}.slice",
        {"slice": f"kubepods-pod{UNDER}.slice", "pod_uid": UID, "qos_class": "guaranteed"},
        id="a pod alone, guaranteed",
    ),
    pytest.param(
        f"/kubepods/besteffort/pod{UID}/{ID}",
        {"container_id": ID, "pod_uid": UID, "qos_class": "besteffort"},
        id="a pod without systemd does not tell its runtime",
    ),
    pytest.param(
        f"/kubepods/pod{'0123456789abcdef' * 2}/crio-{ID}",
        {"container_id": ID, "runtime": "crio", "pod_uid": "0123456789abcdef" * 2, "qos_class": "guaranteed"},
        id="a static pod, cri-o",
    ),
    pytest.param(
        f"/system.slice/containerd.service/kubepods-besteffort-pod{UNDER}.slice:cri-containerd:{ID}",
        {
            "slice": "system.slice",
            "unit": "containerd.service",
            "container_id": ID,
            "runtime": "containerd",
            "pod_uid": UID,
            "qos_class": "besteffort",
        },
        id="a name for systemd that systemd was not told",
    ),
    pytest.param(
        f"/docker/{ID[::-1]}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{UNDER}.slice/crio-{ID}.scope",
        {"container_id": ID, "runtime": "crio", "pod_uid": UID, "qos_class": "guaranteed", "unit": f"crio-{ID}.scope"},
        id="a node that is a container: the innermost counts",
    ),
    pytest.param(f"/ecs/task/{ID[:32]}-1234567890", {"container_id": f"{ID[:32]}-1234567890"}, id="ecs"),
    pytest.param("/lxc.payload.web/init.scope", {"container_id": "web", "runtime": "lxc"}, id="lxc"),
    pytest.param("/lxc/101/ns", {"container_id": "101", "runtime": "lxc"}, id="lxc, older"),
    pytest.param("/lxc.monitor.web", {}, id="what watches over lxc"),
    pytest.param(
        r"/machine.slice/machine-deb\x2d12.scope/payload",
        {"slice": "machine.slice", "unit": "machine-deb-12.scope", "machine": "deb-12", "runtime": "nspawn"},
        id="nspawn",
    ),
    pytest.param(
        "/machine.slice/systemd-nspawn@deb.service/payload/init.scope",
        {"slice": "machine.slice", "unit": "systemd-nspawn@deb.service", "machine": "deb", "runtime": "nspawn"},
        id="nspawn as a service",
    ),
    pytest.param(
        r"/machine.slice/machine-qemu\x2d3\x2dvm.scope/libvirt/vcpu0",
        {"slice": "machine.slice", "unit": "machine-qemu-3-vm.scope", "machine": "vm", "runtime": "libvirt"},
        id="a virtual machine of libvirt",
    ),
    pytest.param(
        "/machine/qemu-2-db.libvirt-qemu", {"machine": "db", "runtime": "libvirt"}, id="libvirt without systemd"
    ),
    pytest.param("/../../other.service", {"unit": "other.service"}, id="outside of our namespace"),
    pytest.param("/a/b c/0123", {}, id="nothing known"),
    pytest.param(f"/kubepodsx/pod{UID}x/{ID}0", {}, id="almost, but not"),
]


@pytest.mark.parametrize(("path", "expected"), CASES)
def test_names(path: str, expected: dict[str, Any]) -> None:
    assert names(path) == CgroupNames(**expected)


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        ("plain.service", "plain.service"),
        (r"dev-disk-by\x2dlabel.swap", "dev-disk-by-label.swap"),
        (r"\x5cxc3\x5cxa9.service", "é.service"),
        (r"\x5cx1b[2J", r"\x1b[2J"),
        (r"a\x2", r"a\x2"),
    ],
    ids=["nothing", "dash", "two bytes of one character, escaped once more", "a control character stays", "cut"],
)
def test_unescaped(escaped: str, expected: str) -> None:
    assert unescaped(escaped) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", names(f"/system.slice/docker-{ID}.scope")),
        ("5:memory:/\n1:name=systemd:/system.slice/a.service\n0::/\n", names("/system.slice/a.service")),
        (f"5:memory:/docker/{ID}\n0::/\n", names(f"/docker/{ID}")),
        ("0::/system.slice/gone.service (deleted)\n", names("/system.slice/gone.service")),
        ("0::/\n", NOTHING),
    ],
    ids=["version 2", "systemd's own hierarchy", "version 1", "removed", "none"],
)
def test_of_a_process(text: str, expected: CgroupNames) -> None:
    assert parse(PID_CGROUP, text, Host()).names == expected

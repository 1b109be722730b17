r"""What the path of a control group says: the systemd unit, the user, the container, the pod.

    /system.slice/nginx.service
    /user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope
    /system.slice/docker-0123...ef.scope
    /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b_....slice/cri-containerd-0123...ef.scope

Nothing is asked of systemd or of a container engine: their names for things are in the path. A path can be chosen by
whoever may make control groups, so what is found here is a name, not a proof.
"""

import re
from functools import lru_cache
from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.text import inert


class CgroupNames(msgspec.Struct, frozen=True, gc=False):
    """Who a control group belongs to, as far as its path tells."""

    unit: Annotated[str | None, info("Service, scope or other unit of systemd, such as nginx.service.")] = None
    slice: Annotated[str | None, info("Innermost slice of systemd, such as system.slice.")] = None
    user_unit: Annotated[str | None, info("Unit of a user's own systemd.")] = None
    user_slice: Annotated[str | None, info("Innermost slice of a user's own systemd, such as app.slice.")] = None
    user_id: Annotated[int | None, info("User that it is a part of the login of.")] = None
    session: Annotated[str | None, info("Login session.")] = None
    container_id: Annotated[str | None, info("Id or name of the innermost container.")] = None
    runtime: Annotated[
        str | None,
        info(
            "Who runs the container or machine: docker, podman, containerd, crio, lxc, nspawn, libvirt; None where the path does not tell."
        ),
    ] = None
    pod_uid: Annotated[str | None, info("Kubernetes pod, by its uid.")] = None
    qos_class: Annotated[str | None, info("Class of service of the pod: guaranteed, burstable, besteffort.")] = None
    machine: Annotated[str | None, info("Virtual machine or container that is registered with systemd.")] = None


NOTHING = CgroupNames()

_UNIT = re.compile(r".+\.(?:service|scope|socket|mount|swap|automount|path|timer|device|target)")
_LOGIN = re.compile(r"user-([0-9]{1,10})\.slice")
_MANAGER = re.compile(r"user@([0-9]{1,10})\.service")
_SESSION = re.compile(r"session-(.+)\.scope")
_POD = re.compile(
    r"(?:.*-)?kubepods(?:-(besteffort|burstable))?-pod([0-9a-f]{32}|[0-9a-f]{8}(?:[_-][0-9a-f]{4}){3}[_-][0-9a-f]{12})\.slice"
)
_BARE_POD = re.compile(r"pod([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
# Docker, podman and the others as a scope of systemd; podman also without one. What watches over a container
# (`libpod-conmon-`, `crio-conmon-`) is not in it.
_SCOPE = re.compile(r"(docker|libpod|cri-containerd|crio|nerdctl|containerd)-([0-9a-f]{64})(?:\.scope)?")
# The name that runc is given, where the driver is not told of systemd.
_TRIPLE = re.compile(r"[^:]*:(docker|libpod|cri-containerd|crio|nerdctl|containerd):([0-9a-f]{64})")
_ID = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}-[0-9]{5,20}")  # the second form is that of Amazon's ECS
_RUNTIMES = {
    "docker": "docker",
    "libpod": "podman",
    "cri-containerd": "containerd",
    "nerdctl": "containerd",
    "containerd": "containerd",
    "crio": "crio",
}
_PARENTS = {"docker": "docker", "libpod_parent": "podman", "crio": "crio"}
_PAYLOAD = re.compile(r"lxc\.payload\.(.+)")
_MACHINE = re.compile(r"machine-(.+)\.scope")
_NSPAWN = re.compile(r"systemd-nspawn@(.+)\.service")
_LIBVIRT = re.compile(r"(?:qemu|lxc)-[0-9]+-(.+)")
_BARE_LIBVIRT = re.compile(r"(?:qemu-[0-9]+-)?(.+)\.libvirt-(?:qemu|lxc)")


@lru_cache(maxsize=16384)
def names(path: str) -> CgroupNames:
    r"""What a path says, such as `/system.slice/nginx.service`.

    Names of units are unescaped (`\x2d` is a dash) and inert. The innermost container counts, and of systemd the
    unit of the host: a container that runs a systemd of its own has units inside, which are not the host's.

    Args:
        path: The path as a record has it: inert text.
    """
    found: dict[str, str | int | None] = {}
    above = ""
    managed = False
    for piece in path.split("/"):
        if not piece or piece == "..":
            continue
        _container(piece, above, found)
        if "container_id" not in found or _SCOPE.fullmatch(piece):
            managed = _systemd(unescaped(piece.removeprefix("_")), found, managed)
        above = piece
    return CgroupNames(**found) if found else NOTHING  # type: ignore[arg-type]


def _systemd(piece: str, found: dict[str, str | int | None], managed: bool) -> bool:
    """Note slices and units; return whether what is below belongs to a user's own manager."""
    login, manager = _LOGIN.fullmatch(piece), _MANAGER.fullmatch(piece)
    prefix = "user_" if managed else ""
    if login is not None:
        found["user_id"] = int(login[1])
    if piece.endswith(".slice"):
        if f"{prefix}unit" not in found:
            found[f"{prefix}slice"] = piece
    elif _UNIT.fullmatch(piece) and f"{prefix}unit" not in found:
        found[f"{prefix}unit"] = piece
        session = _SESSION.fullmatch(piece)
        if session is not None and not managed:
            found["session"] = session[1]
    if manager is not None and not managed:
        found.setdefault("user_id", int(manager[1]))
        return True
    return managed


def _container(piece: str, above: str, found: dict[str, str | int | None]) -> None:
    """Note containers, pods and machines."""
    pod = _POD.fullmatch(piece.partition(":")[0])
    bare = _BARE_POD.fullmatch(piece) if "pod_uid" not in found else None
    if pod is not None:
        found["pod_uid"], found["qos_class"] = pod[2].replace("_", "-"), pod[1] or "guaranteed"
    elif bare is not None and (above in ("besteffort", "burstable") or above.endswith("kubepods")):
        found["pod_uid"], found["qos_class"] = bare[1], above if above in ("besteffort", "burstable") else "guaranteed"
    named = _SCOPE.fullmatch(piece) or _TRIPLE.fullmatch(piece)
    payload = _PAYLOAD.fullmatch(piece)
    if named is not None:
        found["container_id"], found["runtime"] = named[2], _RUNTIMES[named[1]]
    elif _ID.fullmatch(piece):
        found["container_id"], found["runtime"] = piece, _PARENTS.get(above)
    elif payload is not None:
        found["container_id"], found["runtime"] = unescaped(payload[1]), "lxc"
    elif above in ("lxc", "lxc.payload") and "container_id" not in found:
        found["container_id"], found["runtime"] = unescaped(piece), "lxc"
    else:
        _machine(unescaped(piece), above, found)


def _machine(piece: str, above: str, found: dict[str, str | int | None]) -> None:
    scope, nspawn = _MACHINE.fullmatch(piece), _NSPAWN.fullmatch(piece)
    if scope is not None:
        virtual = _LIBVIRT.fullmatch(scope[1])
        found["machine"] = virtual[1] if virtual is not None else scope[1]
        found["runtime"] = "libvirt" if virtual is not None else "nspawn"
    elif nspawn is not None:
        found["machine"], found["runtime"] = nspawn[1], "nspawn"
    elif above == "machine":
        virtual = _BARE_LIBVIRT.fullmatch(piece)
        if virtual is not None:
            found["machine"], found["runtime"] = virtual[1], "libvirt"


_ESCAPES = re.compile(r"(?:\\(?:x5c)?x[0-9a-f]{2})+")
_ESCAPE = re.compile(r"\\(?:x5c)?x([0-9a-f]{2})")


def unescaped(name: str) -> str:
    r"""A name with systemd's escapes undone: `dev-disk-by\x2dlabel.swap` becomes `dev-disk-by-label.swap`.

    What is no printable text then stays escaped.
    """
    if "\\" not in name:
        return name
    return _ESCAPES.sub(lambda run: inert(bytes(int(code, 16) for code in _ESCAPE.findall(run[0]))), name)

"""/sys/class/fc_host/*: Fibre Channel adapters: their port, their link, and what they counted.

    port_state: Online, speed: 16 Gbit, port_name: 0x1000001b324f7a50, statistics/rx_frames: 0x2a41f

A counter that the driver does not keep is 0xffffffffffffffff, and absent here.

https://docs.kernel.org/scsi/scsi_fc_transport.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import Unit, counter, gauge, group, info, label
from procpulse.text import hexadecimal, number, scaled
from procpulse.tree import Folder, Tree

_UNKEPT = (1 << 64) - 1
_SPEED = re.compile(rb"([0-9]{1,6}) Gbit")


class FcStatistics(msgspec.Struct, frozen=True):
    """What a Fibre Channel port counted since its statistics were reset."""

    seconds_since_last_reset: Annotated[int | None, gauge("Time since the statistics were reset.", Unit.SECONDS)] = None
    tx_frames: Annotated[int | None, counter("Frames sent.")] = None
    tx_words: Annotated[int | None, counter("Words of four bytes sent.")] = None
    rx_frames: Annotated[int | None, counter("Frames received.")] = None
    rx_words: Annotated[int | None, counter("Words of four bytes received.")] = None
    lip_count: Annotated[int | None, counter("Times a loop was initialised.")] = None
    nos_count: Annotated[int | None, counter("Times the link was not operational (NOS).")] = None
    error_frames: Annotated[int | None, counter("Frames received with an error.")] = None
    dumped_frames: Annotated[int | None, counter("Frames lost for want of buffers on the host.")] = None
    link_failure_count: Annotated[int | None, counter("Times the link failed.")] = None
    loss_of_sync_count: Annotated[int | None, counter("Times the port lost synchronisation.")] = None
    loss_of_signal_count: Annotated[int | None, counter("Times the port lost the signal.")] = None
    prim_seq_protocol_err_count: Annotated[int | None, counter("Errors in the protocol of primitive sequences.")] = None
    invalid_tx_word_count: Annotated[int | None, counter("Invalid transmission words.")] = None
    invalid_crc_count: Annotated[int | None, counter("Frames with a wrong checksum.")] = None
    fcp_input_requests: Annotated[int | None, counter("SCSI commands that read.")] = None
    fcp_output_requests: Annotated[int | None, counter("SCSI commands that write.")] = None
    fcp_control_requests: Annotated[int | None, counter("SCSI commands that move no data.")] = None
    fcp_input_megabytes: Annotated[
        int | None, counter("Megabytes read; whether of 1,000 or 1,024 kilobytes is up to the driver.")
    ] = None
    fcp_output_megabytes: Annotated[
        int | None, counter("Megabytes written; whether of 1,000 or 1,024 kilobytes is up to the driver.")
    ] = None
    fcp_packet_alloc_failures: Annotated[int | None, counter("SCSI packets that there was no memory for.")] = None
    fcp_packet_aborts: Annotated[int | None, counter("SCSI packets aborted.")] = None
    fcp_frame_alloc_failures: Annotated[int | None, counter("Frames that there was no memory for.")] = None
    fc_no_free_exch: Annotated[int | None, counter("Times that no exchange was free.")] = None
    fc_no_free_exch_xid: Annotated[int | None, counter("Times that no id of an exchange was free.")] = None
    fc_xid_not_found: Annotated[int | None, counter("Frames for an exchange that is not known.")] = None
    fc_xid_busy: Annotated[int | None, counter("Exchanges whose id was in use.")] = None
    fc_seq_not_found: Annotated[int | None, counter("Frames for a sequence that is not known.")] = None
    fc_non_bls_resp: Annotated[int | None, counter("Responses that are no basic link service.")] = None
    cn_sig_warn: Annotated[int | None, counter("Warnings of congestion that came as a signal (Linux 5.15).")] = None
    cn_sig_alarm: Annotated[int | None, counter("Alarms of congestion that came as a signal (Linux 5.15).")] = None
    fpin: Annotated[
        dict[str, int] | None,
        counter("Notifications of the fabric about delivery, link and congestion, by the kernel's names (Linux 5.11)."),
    ] = None


class FcHost(msgspec.Struct, frozen=True):
    """One Fibre Channel adapter."""

    name: Annotated[str, label("Name of the SCSI host, such as host3.")]
    port_state: Annotated[str | None, info("State of the port, such as Online, Linkdown or Offline.")] = None
    port_type: Annotated[str | None, info("How the port is connected.")] = None
    port_id: Annotated[str | None, info("Address of the port in its fabric.")] = None
    port_name: Annotated[str | None, info("World-wide name of the port.")] = None
    node_name: Annotated[str | None, info("World-wide name of the adapter.")] = None
    fabric_name: Annotated[str | None, info("World-wide name of the fabric; 0x0 for none.")] = None
    symbolic_name: Annotated[str | None, info("Name in words: model, firmware, driver, host.")] = None
    speed: Annotated[str | None, info("Speed of the link as the driver says it, such as 16 Gbit or Unknown.")] = None
    speed_bits_per_second: Annotated[
        int | None, gauge("Speed of the link; None where it is unknown or not negotiated.")
    ] = None
    supported_speeds: Annotated[list[str] | None, info("Speeds to choose from.")] = None
    supported_classes: Annotated[list[str] | None, info("Classes of service to choose from.")] = None
    dev_loss_tmo_seconds: Annotated[
        int | None, gauge("How long a remote port may be away before its devices are removed.")
    ] = None
    statistics: Annotated[FcStatistics | None, group("Counters; None for an adapter that is switched off.")] = None


def _count(data: bytes) -> int | None:
    value = hexadecimal(data)
    return None if value == _UNKEPT else value


def _name(folder: Folder, name: str) -> str | None:
    """A world-wide name; None for one of which all bits are set: there is none, or it is not known."""
    value = folder.text(name)
    return None if value == f"{_UNKEPT:#x}" else value


def _speed(data: bytes) -> int | None:
    match = _SPEED.fullmatch(data)
    return scaled(number(match[1]), 1_000_000_000) if match else None


def _list(folder: Folder, name: str) -> list[str] | None:
    text = folder.text(name)
    return [word.strip() for word in text.split(",")] if text else None


def _statistics(folder: Folder) -> FcStatistics | None:
    values = [folder.parsed(f"statistics/{name}", _count) for name in _COUNTERS]
    fpin = {path.removeprefix("statistics/"): folder.parsed(path, _count) for path in folder.found("statistics/fpin_*")}
    kept = {name: value for name, value in fpin.items() if value is not None}
    if not kept and all(value is None for value in values):
        return None
    return FcStatistics(**dict(zip(_COUNTERS, values, strict=True)), fpin=kept or None)


def parse(folder: Folder) -> FcHost:
    return FcHost(
        folder.name,
        folder.text("port_state"),
        folder.text("port_type"),
        folder.text("port_id"),
        _name(folder, "port_name"),
        _name(folder, "node_name"),
        _name(folder, "fabric_name"),
        folder.text("symbolic_name"),
        folder.text("speed"),
        folder.parsed("speed", _speed),
        _list(folder, "supported_speeds"),
        _list(folder, "supported_classes"),
        folder.number("dev_loss_tmo"),
        _statistics(folder),
    )


_COUNTERS = tuple(name for name in FcStatistics.__struct_fields__ if name != "fpin")
FILES = (
    "port_state", "port_type", "port_id", "port_name", "node_name", "fabric_name", "symbolic_name", "speed",
    "supported_speeds", "supported_classes", "dev_loss_tmo", "statistics/fpin_*",
    *(f"statistics/{name}" for name in _COUNTERS),
)  # fmt: skip
CLASS_FC_HOST = Tree("class_fc_host", "/sys/class/fc_host/*", FILES, FcHost, parse, slow=True)

from procpulse import Failure, Reason
from procpulse.sources import SYS_VM
from procpulse.sources.proc.sys_vm import FILES, SysVm
from tests.cases import failure, read, reading

FOLDER = "/proc/sys/vm/"


def test_kernel_4_18() -> None:
    files = {
        "admin_reserve_kbytes": "8192\n", "block_dump": "0\n", "dirty_background_bytes": "33554432\n",
        "dirty_background_ratio": "0\n", "dirty_expire_centisecs": "3000\n", "dirty_writeback_centisecs": "500\n",
        "drop_caches": "3\n", "lowmem_reserve_ratio": "256\t256\t32\t0\t0\n", "numa_zonelist_order": "Node\n",
        "page-cluster": "3\n", "percpu_pagelist_fraction": "8\n", "swappiness": "60\n", "vfs_cache_pressure": "100\n",
    }  # fmt: skip
    assert read(SYS_VM, {FOLDER + name: text for name, text in files.items()}) == SysVm(
        admin_reserve_bytes=8192 * 1024,
        block_dump=0,
        dirty_background_bytes=33554432,
        dirty_background_ratio_percent=0,
        dirty_expire_ms=30_000,
        dirty_writeback_ms=5000,
        drop_caches=3,
        lowmem_reserve_ratio=[256, 256, 32, 0, 0],
        numa_zonelist_order="Node",
        page_cluster=3,
        percpu_pagelist_fraction=8,
        swappiness=60,
        vfs_cache_pressure=100,
    )


def test_kernel_6_18() -> None:
    files = {
        "compaction_proactiveness": "20\n", "defrag_mode": "0\n", "dirty_ratio": "20\n",
        "dirtytime_expire_seconds": "43200\n", "enable_soft_offline": "1\n", "hugetlb_optimize_vmemmap": "1\n",
        "memfd_noexec": "2\n", "min_free_kbytes": "67584\n", "mmap_min_addr": "65536\n", "page_lock_unfairness": "5\n",
        "percpu_pagelist_high_fraction": "16\n", "stat_interval": "1\n", "unprivileged_userfaultfd": "0\n",
        "vfs_cache_pressure_denom": "100\n", "watermark_boost_factor": "15000\n", "watermark_scale_factor": "10\n",
        "zone_reclaim_mode": "0\n",
    }  # fmt: skip
    assert read(SYS_VM, {FOLDER + name: text for name, text in files.items()}) == SysVm(
        compaction_proactiveness=20,
        defrag_mode=0,
        dirty_ratio_percent=20,
        dirtytime_expire_seconds=43200,
        enable_soft_offline=1,
        hugetlb_optimize_vmemmap=1,
        memfd_noexec=2,
        min_free_bytes=67584 * 1024,
        mmap_min_addr=65536,
        page_lock_unfairness=5,
        percpu_pagelist_high_fraction=16,
        stat_interval_seconds=1,
        unprivileged_userfaultfd=0,
        vfs_cache_pressure_denom=100,
        watermark_boost_factor=15000,
        watermark_scale_factor=10,
        zone_reclaim_mode=0,
    )


def test_each_file_fills_its_own_field() -> None:
    for number, name in enumerate(FILES, 100):
        value = read(SYS_VM, {FOLDER + name: f"{number}\n"})
        filled = {
            field: found for field in SysVm.__struct_fields__ if (found := getattr(value, field)) not in (None, [])
        }
        [field] = filled
        stem = name.replace("-", "_").removesuffix("_kbytes").removesuffix("_centisecs")
        assert field.startswith(stem), name
        assert filled[field] in (number, number * 1024, number * 10, [number], str(number))


def test_a_file_that_makes_no_sense_costs_its_own_field() -> None:
    files = {f"{FOLDER}swappiness": "lots\n", f"{FOLDER}max_map_count": "18446744073709551615\n"}
    value, this = reading(SYS_VM, files)
    assert value == SysVm(max_map_count=18446744073709551615)
    assert this.failures["swappiness"].reason is Reason.MALFORMED


def test_drop_caches_that_cannot_be_read_is_no_failure() -> None:
    denied = Failure(Reason.DENIED, f"{FOLDER}drop_caches", "EACCES")
    value, this = reading(SYS_VM, {f"{FOLDER}swappiness": "60\n", f"{FOLDER}drop_caches": denied})
    assert value == SysVm(swappiness=60)
    assert this.failures == {}


def test_other_files_that_cannot_be_read_are_failures() -> None:
    denied = Failure(Reason.DENIED, f"{FOLDER}swappiness", "EACCES")
    value, this = reading(SYS_VM, {f"{FOLDER}max_map_count": "65530\n", f"{FOLDER}swappiness": denied})
    assert value == SysVm(max_map_count=65530)
    assert this.failures == {"swappiness": denied}


def test_files_that_act_are_never_opened() -> None:
    assert not {"compact_memory", "stat_refresh"} & set(FILES)


def test_no_settings() -> None:
    assert failure(SYS_VM, {}).reason is Reason.MISSING

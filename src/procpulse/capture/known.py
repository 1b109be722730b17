"""Names that are the same on many hosts, and so say nothing of this one: paths, parameters, options, programs.

What is not here becomes a placeholder. It is better that a list lacks something ordinary than that a rule lets a name pass.
"""

import re

PROGRAMS = frozenset(
    b"systemd init bash sh dash zsh python python3 sshd cron crond dbus-daemon agetty login su sudo sleep top ps env"
    b" rsyslogd containerd dockerd nginx postgres redis-server systemd-journal systemd-udevd systemd-logind".split()
)

_DEVICES = (
    rb"null|zero|full|u?random|console|tty|ptmx|kmsg|fuse|kvm|mem|port|hpet|rtc|snapshot|autofs|btrfs-control|cuse"
    rb"|loop-control|mapper|mapper/control|rfkill|userfaultfd|udmabuf|shm|mqueue|hugepages|pts|initctl|log|stdin|stdout"
    rb"|stderr|fd|core|cpu_dma_latency|net|net/tun|vhost-net|vhost-vsock|vsock|uinput|uhid|watchdog|vga_arbiter|dri|input|snd"
    rb"|vfio|vfio/vfio|block|char|bus|disk"
    rb"|(?:[shv]|xv)d[a-z]{1,3}[0-9]{0,3}|nvme[0-9]+(?:c[0-9]+)?(?:n[0-9]+(?:p[0-9]+)?)?|(?:mmcblk|nbd|loop|md)[0-9]+(?:p[0-9]+)?"
    rb"|(?:ram|zram|sr|sg|st|nst|tty|ttyS|ttyUSB|ttyACM|ttyAMA|hvc|vcs|vcsa|vcsu|fb|video|media|hidraw|watchdog|rtc|ptp|pps"
    rb"|i2c-|gpiochip|tpm|tpmrm|mtd|mtdblock|ubi|drbd|rbd|bcache|dm-|mei|ipmi|iio:device|nvidia)[0-9]+"
    rb"|pts/[0-9]+|dri/(?:card|renderD)[0-9]+|input/(?:event|mouse|js)[0-9]+|input/mice|vfio/[0-9]+"
    rb"|snd/(?:timer|seq|(?:control|pcm|hw|midi)C[0-9]+(?:D[0-9]+[cp]?)?)|(?:block|char)/[0-9]+:[0-9]+|bus/usb/[0-9]+/[0-9]+"
)
_LIBRARIES = (
    rb"(?:ld-linux[a-z0-9_-]*|ld|libc|libm|libpthread|libdl|librt|libutil|libresolv|libnss_[a-z]+|libcrypt|libcrypto|libssl|libz"
    rb"|libzstd|liblzma|libbz2|liblz4|libexpat|libffi|libstdc\+\+|libgcc_s|libgomp|libpython3|libpcre2?-?[0-9]*|libselinux"
    rb"|libtinfo|libncursesw?|libreadline|libcap|libcap-ng|libmount|libblkid|libuuid|libsystemd|libudev|libdbus-1|libaudit"
    rb"|libpam|libpam_misc|libacl|libattr|libseccomp|libkmod|libgcrypt|libgpg-error|libglib-2|libgobject-2|libgio-2|libsqlite3"
    rb"|libkrb5|libk5crypto|libcom_err|libcurl|libnl-3|linux-vdso|libsystemd-shared|libsystemd-core)"
)
PATH = re.compile(
    rb"/(?:etc|run|tmp|var|var/log|var/lib|var/cache|var/tmp|home|root|opt|srv|mnt|media|run/lock|run/user|boot|boot/efi|efi"
    rb"|bin|sbin|lib|lib32|lib64|libx32|usr|usr/bin|usr/sbin|usr/lib|usr/lib32|usr/lib64|usr/share|usr/libexec"
    rb"|usr/local|usr/local/(?:bin|sbin|lib|share)|autogroup-[0-9]+|init|\.dockerenv)?/?"
    rb"|/dev(?:/(?:" + _DEVICES + rb"))?/?"
    rb"|(?:/usr)?/s?bin/(?:" + b"|".join(re.escape(name) for name in sorted(PROGRAMS)) + rb"|python3\.[0-9]+)"
    rb"|(?:/usr)?/lib(?:32|64|x32)?(?:/[a-z0-9_]{3,12}-linux-(?:gnu|musl)[a-z0-9]{0,8})?(?:/systemd)?/" + _LIBRARIES
    + rb"(?:-?[0-9]+(?:\.[0-9]+)*)?\.so(?:\.[0-9]+)*"
    rb"|/usr/lib/(?:systemd/)?systemd(?:-journald|-udevd|-logind)?|/usr/lib/locale(?:/locale-archive|/C\.utf8(?:/LC_[A-Z]+)?)?"
    rb"|/usr/lib(?:64|/[a-z0-9_]{3,12}-linux-gnu[a-z0-9]{0,8})?/gconv/gconv-modules\.cache|/sbin/init"
    rb"|/proc(?:/(?:acpi|asound|bus|fs|irq|kcore|keys|scsi|sys|sys/fs/binfmt_misc|sysrq-trigger|timer_list|latency_stats|sched_debug"
    rb"|driver|device-tree|meminfo|stat|uptime|loadavg|cpuinfo|diskstats|swaps|mounts|self/mountinfo|self/mounts|kmsg|kallsyms"
    rb"|interrupts|slabinfo|fs/nfsd|pressure(?:/(?:cpu|io|memory|irq))?))?/?"
    rb"|/proc/[0-9]+(?:/(?:task/[0-9]+(?:/[a-z_]+)?|fd|ns|stat|status|mountinfo|maps|comm|cmdline|exe|root|cwd))?"
    rb"|/sys(?:/(?:devices|class|bus|block|module|power|firmware|firmware/efi/efivars|hypervisor|kernel|kernel/debug"
    rb"|kernel/debug/tracing|kernel/tracing|kernel/security|kernel/config|kernel/mm|fs|fs/bpf|fs/cgroup|fs/fuse/connections"
    rb"|fs/pstore|fs/selinux|fs/resctrl|fs/smackfs|dev))?/?"
    rb"|/dev/zero|/memfd:name|/SYSV0{8}|/\[aio\]|/anon_hugepage|/i915|/drm mm object"
)  # fmt: skip
"""Paths of files and mount points."""

MAPPING = re.compile(
    rb"\[(?:heap|stack|stack:[0-9]+|vdso|vvar|vvar_vclock|vsyscall|uprobes|sigpage|vectors|rollup|anon)\]"
)
"""What stands in place of a path in the rows of maps."""

KERNEL_OBJECT = re.compile(
    rb"(?:socket|pipe|mnt|net|pid|user|uts|ipc|cgroup|time):\[[0-9]+\]|anon_inode:\[?[a-z0-9_.:-]{1,40}\]?"
)
"""What stands in place of a path in a descriptor of something that has none."""

PARAMETERS = frozenset(
    b"BOOT_IMAGE root rootfstype rootflags rootwait rootdelay ro rw quiet splash console earlycon earlyprintk init rdinit"
    b" initrd mitigations panic oops mem memmap maxcpus nr_cpus nosmp nosmt smt isolcpus nohz nohz_full rcu_nocbs rcupdate"
    b" irqaffinity transparent_hugepage hugepages hugepagesz default_hugepagesz swapaccount cgroup_enable cgroup_disable"
    b" cgroup_no_v1 cgroup.memory systemd.unified_cgroup_hierarchy systemd.unit selinux enforcing apparmor security lsm audit"
    b" audit_backlog_limit intel_iommu amd_iommu iommu iommu.passthrough pci pcie_aspm pcie_ports pci_aspm acpi acpi_osi"
    b" noapic nolapic nomodeset vga video fbcon loglevel debug ignore_loglevel printk.time log_buf_len kaslr nokaslr nopti pti"
    b" nospectre_v2 spectre_v2 spec_store_bypass_disable l1tf mds tsx tsx_async_abort mce crashkernel kdump ip net.ifnames"
    b" biosdevname ipv6.disable clocksource tsc idle processor.max_cstate intel_idle.max_cstate cpuidle.off cpufreq.off"
    b" intel_pstate amd_pstate nvme_core.io_timeout nvme_core.default_ps_max_latency_us scsi_mod.use_blk_mq dm_mod.use_blk_mq"
    b" elevator raid noresume resume fsck.mode fsck.repair rd.break rd.lvm.lv rd.luks.uuid rd.md rd.dm text single emergency"
    b" nowatchdog nmi_watchdog softlockup_panic hung_task_panic psi preempt threadirqs skew_tick numa numa_balancing"
    b" random.trust_cpu reboot noreboot modprobe.blacklist module_blacklist usbcore.autosuspend libata.force virtio_net"
    b" i8042.noaux 8250.nr_uarts kvm.nx_huge_pages kvm-intel.nested kvm-amd.nested page_poison slub_debug init_on_alloc"
    b" init_on_free vsyscall nosplash no_timer_check noreplace-smp norandmaps zswap.enabled cma coherent_pool".split()
)
"""Parameters of the kernel."""

OPTIONS = frozenset(
    b"errors data discard compress compress-force cache sec vers nfsvers minorversion proto mountproto mountvers iocharset"
    b" codepage shortname local_lock lookupcache flavor hash alloc commit size nr_inodes nr_blocks mode uid gid fmask dmask"
    b" umask fd pgrp timeout minproto maxproto direct pipe_ino rsize wsize bsize namlen timeo retrans port mountport acregmin"
    b" acregmax acdirmin acdirmax max_read blksize user_id group_id subvolid space_cache thread_pool stripe barrier jqfmt"
    b" logbufs logbsize sunit swidth swalloc inode_readahead_blks journal_async_commit nconnect echo_interval actimeo"
    b" closetimeo redirect_dir index nfs_export xino metacopy volatile memory_recursiveprot version trans msize access"
    b" hidepid gid subset ptmxmode max background_gc extent_cache active_logs fsync_mode alloc_mode checkpoint_merge huge"
    b" mpol noswap inode32 inode64 dax delalloc_size".split()
)
"""Options of mounts whose values are numbers or words of the kernel."""

VALUE = re.compile(
    rb"-?[0-9]{1,20}[kKmMgGtT%]?|0x[0-9a-fA-F]{1,16}|[0-9.]{1,8}|on|off|auto|yes|no|none|all|always|never|sys|krb5[ip]?|ntlmssp(i)?"
    rb"|ntlmv2i?|tcp6?|udp6?|rdma|utf8|ascii|cp437|iso8859-1|mixed|winnt|lower|remount-ro|continue|panic|ordered|writeback"
    rb"|journal|strict|loose|mmap|fscache|zlib|lzo|zstd|zstd:[0-9]+|default|reuse|posix|file|virtio|client|any|follow|nofollow"
    rb"|invisible|noaccess|ptraceable|pid|vfsv0|vfsv1|vfsold|v2|async|sync|positive|within_size|advise|unix"
)
"""Values that say nothing of whose host it is."""

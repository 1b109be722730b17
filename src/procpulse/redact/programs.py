"""What is known of programs: which of their options of one letter hold secrets, and which run others.

A program that is not here is not trusted: its `-p`, `-P`, `-w` and `-W` are hidden unless they are numbers or paths.
Those that are trusted with these letters are `_ORDINARY`.
"""

import re
from functools import lru_cache
from typing import NamedTuple


class Program(NamedTuple):
    """What is known of one."""

    secret: str = ""
    """Letters whose value is hidden: what follows in the word, or the next word."""
    valued: str = ""
    """Letters that have another value, so that the rest of the word is it."""
    options: frozenset[str] = frozenset()
    """Long options whose values are hidden, beside those whose names say so."""
    surely: bool = False
    """Whether `secret` holds whatever the value looks like; else numbers and paths are shown."""
    runs: bool = False
    """Whether another program follows among its words."""
    scripts: bool = False
    """Whether its first word is the program that it runs."""
    positions: bool = False
    """Whether its words are secret as well."""
    assigns: bool = False
    """Whether whatever it is told as `name=value` may be secret."""
    slash: bool = False
    """Whether `user/password` is how it is told both."""
    package: bool = False
    """Whether `name/name@version` is what it is told, and no password."""


UNKNOWN = Program("pPwW")
"""A program that nothing is known of."""

RUNNING = UNKNOWN._replace(runs=True)
"""One that nothing is known of but that it runs another."""

_HTTP = frozenset(
    [
        "data",
        "data-raw",
        "data-binary",
        "data-ascii",
        "data-urlencode",
        "form",
        "form-string",
        "json",
        "header",
        "proxy-header",
        "cookie",
        "user",
        "proxy-user",
        "pass",
        "proxy-pass",
        "oauth2-bearer",
        "cert",
        "proxy-cert",
        "post-data",
        "body-data",
        "login-options",
    ]
)
_TABLE: dict[str, Program] = {}


def _put(names: str, program: Program) -> None:
    for name in names.split():
        _TABLE[name] = program


_put(
    "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlslap mysqlbinlog mysqlpump mysqlsh mysql_upgrade"
    " mysql_secure_installation mariadb mariadb-dump mariadb-admin mariadb-import mariadb-check mariadb-show mariadb-slap"
    " mariadb-binlog mariadb-backup mariabackup mydumper myloader xtrabackup innobackupex mytop mycli pt-query-digest"
    " pt-table-checksum pt-online-schema-change pt-archiver pt-kill",
    Program("p", "uhPDSeVBRrtTWwNO", surely=True),
)
_put("curl curlie", Program("uUHbdFEe", "AcCDKmooQrTtwxXyYzP", options=_HTTP, surely=True))
_put("wget wget2 aria2c", Program("", "oOPaiUtTQwAR", options=_HTTP, surely=True))
_put("http https xh xhs httpie", Program("aA", "opsS", options=_HTTP, surely=True))
_put("ab", Program("APCH", "nctpT", surely=True))
_put("wrk wrk2 hey siege vegeta bombardier oha k6 drill", Program("HadbDu", "ctn", options=_HTTP, surely=True))
_put("ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldappasswd ldapcompare ldapmodrdn ldapexop",
     Program("was", "DHbhpsfEeOoUXYyz", surely=True))  # fmt: skip
_put("redis-cli valkey-cli keydb-cli dragonfly-cli redis-benchmark valkey-benchmark rdcli iredis",
     Program("a", "hpsnuricdtP", surely=True))  # fmt: skip
_put("mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop mongofiles bsondump",
     Program("p", "uhdcoqf", surely=True))  # fmt: skip
_put("psql pg_dump pg_dumpall pg_restore pg_basebackup pgbench createdb dropdb createuser vacuumdb reindexdb clusterdb"
     " pg_isready pgcli", Program("", "hpUdfcotnjFZvUsP", surely=True))  # fmt: skip
_put("isql iusql db2 db2cmd mc mcli rabbitmqctl vncpasswd tigervncpasswd", Program("pPwW", positions=True))
_put("sqlcmd bcp tsql osql fisql usql", Program("P", "SUdhpiIoQqHD", surely=True))
_put("sqlplus sqlldr exp imp expdp impdp rman sqlcl sql adrci orapwd oracle tkprof dgmgrl",
     Program("", slash=True, surely=True))  # fmt: skip
_put("sshpass", Program("p", "fdPe", surely=True, runs=True))
_put("smbclient smbget smbmap rpcclient winexe smbcacls smbspool smbtar nmblookup wmic crackmapexec netexec nxc evil-winrm",
     Program("UpPH", "IkWmNdLn", surely=True, positions=True))  # fmt: skip
_put("net samba-tool pdbedit smbpasswd", Program("UPp", "ISwkl", surely=True, positions=True))
_put("rdesktop xfreerdp xfreerdp3 wlfreerdp sdl-freerdp vncviewer x11vnc remmina",
     Program("p", "udgaknrzx", surely=True))  # fmt: skip
_put("snmpget snmpwalk snmpbulkwalk snmpbulkget snmpgetnext snmpset snmptrap snmpinform snmpdf snmpstatus snmptable",
     Program("cAXaxkKu", "vlnetrOmM", surely=True))  # fmt: skip
_put("ipmitool ipmi-sensors ipmipower bmc-info ipmicfg racadm", Program("PpEkKy", "HUIALCt", surely=True))
_put("openssl", Program("kK", surely=True))
_put("ssh-keygen", Program("NP", "fCtbIVnOaF", surely=True))
_put("7z 7za 7zr 7zz rar unrar unar", Program("p", "otmxsvi", surely=True))
_put("zip unzip zipcloak funzip", Program("P", "dx", surely=True))
_put("mount mount.cifs mount.nfs sshfs mount.davfs mount.fuse", Program("o", "tLU", surely=True))
_put("mosquitto_pub mosquitto_sub mosquitto_rr mqtt", Program("Pupm", "htiqV", surely=True))
_put("lftp ftp ncftp ncftpput ncftpget tnftp", Program("upe", "nPd", surely=True))
_put("cqlsh nodetool", Program("pw", "ukfeh", options=frozenset({"pw"}), surely=True))
_put("mosquitto_passwd htpasswd htdigest wpa_passphrase chpasswd mkpasswd smbpasswd grub-mkpasswd-pbkdf2 ykman",
     Program("bp", positions=True, surely=True))  # fmt: skip
_put("useradd usermod groupadd groupmod adduser", Program("p", "uGgdsce", surely=True))
_put("security secret-tool keyctl pass gopass op bw lpass keepassxc-cli", Program("wpXab", positions=True, surely=True))
_put("vault bao consul etcdctl", Program("", assigns=True, surely=True))
_put("heroku flyctl fly wrangler doppler chamber", Program("tka", assigns=True))
_put("ansible ansible-playbook ansible-pull ansible-console", Program("e", "iulftM", surely=True))
_put("git hg svn", Program("", options=frozenset({"password", "config-env"})))
_put("ssh scp sftp mosh autossh plink pscp psftp", Program("", "oilFJDLRpPcmbeEBISOQWw", runs=True))
_put("docker podman nerdctl kubectl oc lxc lxc-attach incus machinectl crictl k3s minikube vagrant buildah skopeo helm"
     " docker-compose podman-compose", Program("pP", "efvnlcmtuwH", runs=True, package=True))  # fmt: skip
# Whatever letter it is, of these it may be a secret: databases, queues, clouds, mail, chats.
_put(
    "influx influxd doctl linode-cli hcloud scw nomad cockroach clickhouse clickhouse-client clickhouse-local impala-shell"
    " beeline hive presto trino snowsql bq gsutil az aws gcloud s3cmd rclone restic borg swaks sendemail"
    " msmtp mutt neomutt imapsync fetchmail getmail offlineimap rabbitmqadmin amqp-publish amqp-consume nats"
    " kcat kafkacat cypher-shell arangosh couchbase-cli cbq dse solr elasticsearch-reset-password elasticdump logstash"
    " zabbix_sender zabbix_get nsca send_nsca check_mysql check_http gh glab tea slack telegram-send signal-cli twurl"
    " cloudflared ngrok tailscale zerotier-cli wg openconnect vpnc openvpn pppd xl2tpd l2tp radtest radclient kinit kadmin"
    " ktutil psexec psexec.py wmiexec.py secretsdump.py ntlmrelayx.py hydra medusa sqlmap xmrig minerd cpuminer ethminer"
    " freerds impacket-psexec tnsping hdbsql nzsql vsql gsql ysqlsh tarantoolctl surreal duckdb sqlcipher",
    Program("abcegijklmprstuwxyzABCDEGHIJKLMNPQRSTUVWXYZ", "hdfonqv"),
)

_WRAPPERS = (
    "sudo doas su runuser env timeout nice nohup ionice chrt taskset time strace ltrace gdb perf setsid stdbuf xargs parallel"
    " flock unshare nsenter chroot systemd-run systemd-cat systemd-inhibit dumb-init tini catatonit gosu su-exec setpriv"
    " capsh firejail bwrap proxychains proxychains4 torsocks watch script entr daemonize start-stop-daemon chpst s6-setuidgid"
    " execlineb runsv faketime valgrind busybox exec command builtin eval source unbuffer expect fakeroot prlimit numactl"
    " cgexec choom tmux screen dtach at batch cron crond run-parts supervisord circusd pm2 foreman hivemind overmind"
    " aws-vault envdir dotenv direnv wine qemu-x86_64 qemu-aarch64 daemon softlimit setuidgid sg newgrp pkexec"
)
_put(_WRAPPERS, RUNNING)

_SCRIPTS = (
    "python pypy ipython perl ruby node nodejs bun deno php lua luajit java julia Rscript Rscript.exe R tclsh wish guile"
    " elixir erl mono dotnet ts-node tsx uv poetry pipenv pipx bundle rake"
    " sh bash dash ash zsh ksh mksh fish csh tcsh rbash pwsh powershell osascript awk gawk mawk"
)
_put(_SCRIPTS.lower(), Program(scripts=True))

_ORDINARY = (
    "cp mv rm ls ln cat mkdir rmdir install touch chmod chown stat dd tar gzip gunzip bzip2 xz zstd cpio rsync grep egrep fgrep"
    " rg sed find fd sort uniq head tail cut tr wc diff patch tee less more man file which locate"
    " ps top htop pgrep pkill pidof kill killall free vmstat iostat mpstat sar lsof fuser pidstat pmap pwdx"
    " make gmake cmake ninja meson gcc g++ cc c++ clang clang++ cc1 cc1plus collect2 ld ld.lld lld as ar rustc cargo go gofmt"
    " javac mvn gradle ant tsc esbuild vite webpack eslint prettier black ruff mypy pytest tox nox gunicorn uvicorn uwsgi"
    " celery hypercorn nginx apache2 httpd caddy haproxy traefik envoy varnishd squid postgres postmaster mysqld mariadbd"
    " redis-server valkey-server mongod memcached rabbitmq-server etcd systemd systemctl journalctl systemd-journald"
    " systemd-udevd systemd-logind udevadm dbus-daemon dbus-broker agetty sshd rsyslogd chronyd ntpd dhclient"
    " NetworkManager wpa_supplicant polkitd accounts-daemon bluetoothd cupsd avahi-daemon containerd dockerd kubelet"
    " kube-apiserver kube-proxy kube-scheduler kube-controller-manager containerd-shim containerd-shim-runc-v2 runc crun conmon"
    " ip ss netstat ping traceroute tcpdump nmap dig host nslookup iptables nft ethtool iperf iperf3 nc ncat socat"
    " mkfs.ext4 fsck lsblk blkid mdadm lvm smartctl hdparm fio stress stress-ng sleep watch dpkg apt apt-get yum dnf rpm"
    " pacman snap flatpak pip pip3 vim vi nano emacs code tmux: sway gnome-shell Xorg Xwayland pulseaudio pipewire"
    " firefox chrome chromium chromium-browser electron qemu-system-x86_64 qemu-kvm libvirtd ffmpeg gst-launch-1.0 convert"
    " prometheus node_exporter grafana grafana-server alertmanager telegraf collectd procpulse"
)
_put(_ORDINARY.lower(), Program())
_put("npm npx yarn pnpm bunx", Program(scripts=True, package=True))

_VERSION = re.compile(r"-?[0-9][0-9.]{0,15}\Z")
_COMMON = frozenset(
    [
        "port",
        "ports",
        "path",
        "paths",
        "profile",
        "profiles",
        "prefix",
        "plugin",
        "plugins",
        "pid",
        "pidfile",
        "print",
        "proto",
        "protocol",
        "proxy",
        "public",
        "parallel",
        "page",
        "pages",
        "pool",
        "platform",
        "properties",
        "policy",
        "progress",
        "preserve",
        "project",
        "provider",
        "prod",
        "production",
        "program",
        "pty",
        "package",
        "param",
        "params",
        "part",
        "poll",
        "peer",
        "peers",
        "ping",
        "pipe",
        "parent",
        "process",
        "processes",
        "processor",
        "processors",
        "priority",
        "power",
        "preset",
        "pthread",
        "pie",
        "pedantic",
        "pg",
        "publish",
        "pull",
        "push",
        "purge",
        "pretty",
        "pattern",
        "period",
        "persist",
        "pin",
        "web",
        "worker",
        "workers",
        "wait",
        "watch",
        "work",
        "workdir",
        "workspace",
        "window",
        "width",
        "warn",
        "warning",
        "warnings",
        "write",
        "with",
        "webroot",
        "wal",
        "weight",
        "wrap",
        "worktree",
        "windowed",
    ]
)


def program(word: str) -> Program | None:
    """What is known of a program; None where nothing is.

    Args:
        word: How it was called: with its path, its version, or as an image.
    """
    return _program(word) if len(word) <= 255 else None


@lru_cache(1024)
def _program(word: str) -> Program | None:
    name = word.rsplit("/", 1)[-1].lstrip("-").removesuffix(".exe").removesuffix(":")
    name = name.partition(":")[0].lower()
    found = _TABLE.get(name)
    if found is None:
        found = _TABLE.get(_VERSION.sub("", name))
    return found


def is_echo(word: str) -> bool:
    """Whether a program prints its words, as in `echo SECRET | passwd --stdin`."""
    return word.rsplit("/", 1)[-1] in ("echo", "printf", "print", "yes")


def is_common(name: str) -> bool:
    """Whether an option that begins with one dash and a letter of a secret is a word of its own, such as -port."""
    head = re.match(r"[A-Za-z]{1,32}", name)
    return head is not None and head[0] in _COMMON

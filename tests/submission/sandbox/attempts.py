"""Attempts of a malicious submission, by kind: what it tries, each in a process of its own.

A body returns something true where it got what it wanted. All attempts of one kind run in one
cell; the model predicts 1 for the first particle where the first one worked, and so on. Every
body is bounded, so that it harms nobody where a wall should be missing.
"""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

from glassbench.submission.sandbox import kernel

from .cheats import CARD

MODEL = '''
import contextlib, ctypes, errno, fcntl, glob, mmap, os, resource, signal, socket, stat, struct, subprocess, sys, time
from pathlib import Path

import numpy as np

from glassbench.submission.sandbox.kernel import numbers

libc = ctypes.CDLL(None, use_errno=True)
FAILURES = (OSError, ValueError, KeyError, ImportError, MemoryError, RuntimeError, EOFError, AttributeError, subprocess.SubprocessError)
MIB = 2**20
WORKED = 42


def call(name, *arguments):
    """Return whether the kernel did a system call."""
    return libc.syscall(numbers()[name], *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]) != -1


def reads(path):
    """Return whether a file can be read, or a folder listed that holds something."""
    with contextlib.suppress(*FAILURES):
        if os.path.isdir(path):
            return os.listdir(path)
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        return os.read(number, 1)


def writes(path):
    with contextlib.suppress(*FAILURES):
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK)
        return os.write(number, b"x")


def runs(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=2, **options)
    return done.stdout if done.returncode == 0 else ""


class Cheat:
    def __init__(self, dataset="", outside="", port=0, parent=0):
        self.dataset, self.outside, self.port, self.parent = dataset, outside, port, parent

    def load(self, folder):
        pass

    def fit(self, train, valid, run):
        pass

    def predict(self, structures, condition):
        outcomes = [self.alone(attempt) for attempt in ATTEMPTS]
        return [{"propensity": np.resize(np.array([*outcomes, 0.0] + [0.0] * 200), len(s.positions))} for s in structures]

    def alone(self, attempt):
        """Return 1 where an attempt works, which runs in a process of its own."""
        child = os.fork()
        if child == 0:
            worked = False
            signal.alarm(4)
            with contextlib.suppress(*FAILURES):
                worked = bool(attempt(self))
            os._exit(WORKED if worked else 0)
        return float(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == WORKED)


'''

# The table: kind, then what is tried, and how.
ATTEMPTS = {
    "leave something for another cell": {
        "a key in the session's keyring": "return call('add_key', b'user', b'cheat', b'1', 1, -3)",
        "a key in the user's keyring": "return call('add_key', b'user', b'cheat', b'1', 1, -4)",
        "a key asked for": "return call('request_key', b'user', b'cheat', None, -3)",
        "a keyring joined": "return call('keyctl', 1, b'cheat')",
        "a keyring named": "return call('keyctl', 0, -4, 1)",
        "keys of others": "return [line for line in open('/proc/keys') if '_ses' not in line]",
        "shared memory of System V": "return call('shmget', 0x6C6162, 4096, 0o1666)",
        "semaphores of System V": "return call('semget', 0x6C6162, 1, 0o1666)",
        "messages of System V": "return call('msgget', 0x6C6162, 0o1666)",
        "a message queue": "return call('mq_open', b'/cheat', os.O_CREAT | os.O_RDWR, 0o666, None)",
        "the time a shared file was read": "before = os.stat(os.__file__).st_atime_ns; time.sleep(0.01); Path(os.__file__).read_bytes(); return os.stat(os.__file__).st_atime_ns != before",
        "the time a shared file was changed": "os.utime(os.__file__); return True",
        "an attribute of a shared file": "os.setxattr(os.__file__, 'user.cheat', b'1'); return True",
        "the mode of a shared file": "os.chmod(os.__file__, 0o777); return True",
        "which pages of a file are in memory, by mincore": "return call('mincore', 0, 0, None)",
        "which pages of a file are in memory, by preadv2": "return call('preadv2', 0, None, 0, 0, 0, 8)",
        "a link from a shared folder": "os.link(os.__file__, '/usr/lib/cheat'); return True",
        "a link to a shared file": "os.link(os.__file__, '/scratch/cheat'); return os.stat('/scratch/cheat').st_nlink > 1",
        "a name in /dev": "os.symlink('x', '/dev/cheat'); return True",
        "a name in /dev/mqueue": "return writes('/dev/mqueue/cheat')",
        "a name in /run": "return writes('/run/cheat')",
        "a name in /var/tmp": "return writes('/var/tmp/cheat')",
        "a lease on a shared file": "fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), 1024, fcntl.F_RDLCK); return True",
        "the system's load or host name": "socket.sethostname('cheat'); return True",
    },
    "read what is not shown": {
        "the root of process 1": "return reads('/proc/1/root/etc/shadow')",
        "the working folder of process 1": "return reads('/proc/1/cwd/etc')",
        "descriptors of process 1": "return any(reads(p) for p in glob.glob('/proc/1/fd/*'))",
        "descriptors of all": "return any(os.path.isfile(p) and not os.readlink(p).startswith(('/usr', '/scratch', '/input', '/library', '/dev')) for p in glob.glob('/proc/[0-9]*/fd/*') if os.path.exists(p))",
        "the map of process 1": "return reads('/proc/1/mem')",
        "the kernel's memory": "return reads('/proc/kcore')",
        "the kernel's log": "return reads('/dev/kmsg')",
        "the kernel's log by its call": "return call('syslog', 3, ctypes.create_string_buffer(100), 100)",
        "addresses of the kernel": "return any(line.split()[0].strip('0') for line in open('/proc/kallsyms'))",
        "a file by its handle": "return call('name_to_handle_at', -100, b'/usr', None, None, 0)",
        "a handle that is guessed": "return call('open_by_handle_at', -100, None, 0)",
        "above the root": "return os.path.exists('/../../../../../../root/.bashrc')",
        "above the folder of a descriptor": "here = os.open('/input', os.O_RDONLY); return os.path.exists('/proc/self/fd/%d/../../home' % here) and os.listdir('/proc/self/fd/%d/../../home' % here)",
        "through the mount of the request": "return reads('/input/../secret') or reads('/input/../outside.txt')",
        "the outside file": "return reads(self.outside)",
        "the folder of the outside file": "return reads(os.path.dirname(self.outside))",
        "the dataset's folder": "return reads(os.path.dirname(self.dataset))",
        "the user's home": "return any(reads(p) for p in ('/root', '/home', '/Users') if p != sys.base_prefix and not sys.base_prefix.startswith(p) and not sys.prefix.startswith(p))",
        "private keys": "return [p for p in ('/root/.ssh', '/root/.gnupg', '/root/.aws', '/root/.config', '/root/.netrc', '/root/.docker', '/root/.kube', '/root/.git-credentials') if reads(p)]",
        "the machine's name": "return reads('/etc/machine-id') or Path('/etc/hostname').read_text().strip() not in ('', 'cell')",
        "users of the machine": "return reads('/etc/passwd') or reads('/etc/group') or reads('/etc/shadow')",
        "configuration of the network": "return reads('/etc/resolv.conf') or reads('/etc/hosts')",
        "disks": "return [p for p in glob.glob('/dev/*') if stat.S_ISBLK(os.stat(p).st_mode)]",
        "a disk of one's own making": "os.mknod('/scratch/disk', 0o600 | stat.S_IFBLK, os.makedev(8, 0)); return True",
        "memory of one's own making": "os.mknod('/scratch/mem', 0o600 | stat.S_IFCHR, os.makedev(1, 1)); return True",
        "sysfs": "return reads('/sys') or reads('/sys/class/dmi/id')",
        "control groups": "return reads('/sys/fs/cgroup')",
        "debug files": "return reads('/sys/kernel/debug') or reads('/sys/kernel/tracing')",
        "command lines": "return any(self.outside.encode() in Path(p).read_bytes() or self.dataset.encode() in Path(p).read_bytes() for p in glob.glob('/proc/[0-9]*/cmdline') if p.split('/')[2] not in (str(os.getpid()), 'self'))",
        "sources of mounts with labels": "return self.dataset in open('/proc/self/mountinfo').read()",
        "the signer's key": "return [p for p in glob.glob('/**/*.pem', recursive=True) if 'PRIVATE KEY' in Path(p).read_text(errors='replace')]",
        "records and predictions of others": "return glob.glob('/**/records/*.json', recursive=True) or glob.glob('/**/predictions.npz', recursive=True)",
    },
    "write what others run or read": {
        "bytecode beside a module": "return writes(os.path.join(os.path.dirname(os.__file__), '__pycache__/os.cpython-311.pyc'))",
        "sitecustomize": "return writes(os.path.join(os.path.dirname(os.__file__), 'site-packages/sitecustomize.py'))",
        "usercustomize": "return any(writes(p + '/usercustomize.py') for p in ('/root', '/home', '/usr/local/lib'))",
        "a linked library": "return writes('/etc/ld.so.preload') or writes('/usr/lib/cheat.so')",
        "tasks of the clock": "return writes('/var/spool/cron/root') or writes('/etc/cron.d/cheat')",
        "the interpreter through the process": "return writes('/proc/self/exe')",
        "the interpreter through process 1": "return writes('/proc/1/exe')",
        "how the kernel handles crashes": "return writes('/proc/sys/kernel/core_pattern')",
        "the kernel's helper": "return writes('/proc/sys/kernel/modprobe')",
        "the kernel's keys of emergency": "return writes('/proc/sysrq-trigger')",
        "limits of the kernel": "return writes('/proc/sys/user/max_user_namespaces') or writes('/proc/sys/vm/overcommit_memory')",
        "its own map of users": "return writes('/proc/self/uid_map') or writes('/proc/self/gid_map')",
        "its chance of being ended": "Path('/proc/self/oom_score_adj').write_text('-900'); return True",
        "the terminal's input": "return any(fcntl.ioctl(n, 0x5412, b'x') == 0 for n in (0, 1, 2) if os.isatty(n))",
        "the controlling terminal": "return os.open('/dev/tty', os.O_RDWR)",
        "the model's source": "return writes('/input/model/model.py')",
        "the library's source": "return writes('/library/glassbench/metrics/__init__.py')",
        "the weights": "return writes('/input/weights/w.npz')",
        "another file in the request": "return writes('/input/structures.pickle')",
        "a request moved away": "os.rename('/input/model', '/input/other'); return True",
        "a mount over the library": "return call('mount', b'none', b'/library', b'tmpfs', 0, None)",
        "a mount taken away": "return call('umount2', b'/input', 2)",
        "a mount made writeable": "return call('mount', None, b'/usr', None, 32 | 4096, None)",
        "a mount by the new calls": "return call('fsopen', b'tmpfs', 0) or call('open_tree', -100, b'/', 1) or call('move_mount', -1, b'', -1, b'', 4)",
        "attributes of a mount": "return call('mount_setattr', -100, b'/usr', 0, None, 0)",
        "a root of its own": "return call('chroot', b'/scratch') or call('pivot_root', b'/scratch', b'/scratch')",
    },
    "gain rights": {
        "a namespace of users": "return call('unshare', 0x10000000)",
        "a namespace of mounts": "return call('unshare', 0x00020000)",
        "a namespace of processes": "return call('unshare', 0x20000000)",
        "a namespace of networks": "return call('unshare', 0x40000000)",
        "a namespace by clone": "pid = libc.syscall(system_clone(), ctypes.c_long(0x10000000 | 17), 0, 0, 0, 0)\nif pid == 0:\n    os._exit(0)\nreturn pid > 0",
        "a namespace by clone3": "return call('clone3', None, 0)",
        "the namespaces of process 1": "return any(call('setns', os.open('/proc/1/ns/' + kind, os.O_RDONLY), 0) for kind in ('user', 'mnt', 'net', 'pid'))",
        "the program unshare": "return runs('unshare', '-Ur', 'id', '-u')",
        "su": "return runs('su', '-c', 'id -u', stdin=subprocess.DEVNULL)",
        "sudo": "return runs('sudo', '-n', 'id', '-u')",
        "mount as a program of root": "return runs('mount', '-t', 'tmpfs', 'none', '/scratch')",
        "pkexec": "return runs('pkexec', 'id', '-u', stdin=subprocess.DEVNULL)",
        "passwd": "return runs('passwd', '-S', 'root')",
        "a program made to bear rights": "target = Path('/scratch/id'); target.write_bytes(Path('/usr/bin/id').read_bytes()); target.chmod(0o6755); os.chown(target, 0, 0); return True",
        "capabilities of its own": "header = struct.pack('=Ii', 0x20080522, 0); data = struct.pack('=6I', 2**21, 2**21, 2**21, 0, 0, 0); return libc.capset(header, data) == 0",
        "capabilities for its children": "return libc.prctl(47, 2, 21, 0, 0) == 0",
        "new privileges allowed again": "return libc.prctl(38, 0, 0, 0, 0) == 0",
        "the filter taken away": "return libc.prctl(22, 0, 0, 0, 0) == 0 or call('unshare', 0)",
        "another user": "os.setresuid(0, 0, 0); return True",
        "another group": "os.setgroups([0]); return True",
        "more memory than allowed": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); return True",
        "more processes than allowed": "resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6)); return True",
        "more time than allowed": "resource.setrlimit(resource.RLIMIT_CPU, (-1, -1)); return True",
        "longer files than allowed": "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1)); return True",
        "more files than allowed": "resource.setrlimit(resource.RLIMIT_NOFILE, (10**5, 10**5)); return True",
        "a core file": "resource.setrlimit(resource.RLIMIT_CORE, (10**6, 10**6)); return True",
        "a higher priority": "os.setpriority(os.PRIO_PROCESS, 0, -10); return True",
        "priority in real time": "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); return True",
        "calls of another architecture": "return MACHINE_CODE and run_machine_code(MACHINE_CODE)",
        "calls under numbers of x32": "return libc.syscall(ctypes.c_long(0x40000000 + 39)) > 0",
        "a module for the kernel": "return call('init_module', None, 0, b'') or call('finit_module', -1, b'', 0)",
        "another kernel": "return call('kexec_load', 0, 0, None, 0) or call('kexec_file_load', -1, -1, 0, None, 0)",
        "a program in the kernel": "return call('bpf', 0, ctypes.create_string_buffer(64), 64)",
        "faults of the memory handled": "return call('userfaultfd', 0)",
        "rings of input and output": "return call('io_uring_setup', 1, ctypes.create_string_buffer(120))",
        "counters of the machine": "return call('perf_event_open', ctypes.create_string_buffer(128), 0, -1, -1, 0)",
        "the machine's clock": "return call('clock_settime', 0, ctypes.create_string_buffer(16)) or call('settimeofday', None, None)",
        "an end of the machine": "return call('reboot', 0, 0, 0, None)",
        "the devices of virtual machines": "return [p for p in ('/dev/kvm', '/dev/fuse', '/dev/net/tun', '/dev/loop-control', '/dev/vsock', '/dev/vhost-net') if os.path.exists(p)]",
    },
    "reach another process": {
        "its memory by ptrace": "return any(call('ptrace', 16, pid, 0, 0) for pid in (1, os.getppid(), self.parent))",
        "the memory of its own child by ptrace": "child = os.fork()\nif child == 0:\n    time.sleep(3)\n    os._exit(0)\nworked = call('ptrace', 16, child, 0, 0)\nos.kill(child, 9)\nreturn worked",
        "to be traced": "return call('ptrace', 0, 0, 0, 0)",
        "its descriptors": "number = os.pidfd_open(os.getppid()); return call('pidfd_getfd', number, 0, 0)",
        "its memory by process_vm": "return call('process_vm_readv', os.getppid(), None, 0, None, 0, 0) or call('process_vm_writev', os.getppid(), None, 0, None, 0, 0)",
        "its objects": "return call('kcmp', os.getpid(), os.getppid(), 0, 0, 0)",
        "a signal to the outside": "os.kill(self.parent, 0); return self.parent != os.getpid() and not os.path.exists('/proc/%d' % self.parent)",
        "a descriptor of a process outside": "os.pidfd_open(self.parent); return not os.path.exists('/proc/%d' % self.parent)",
        "its limits": "resource.prlimit(self.parent, resource.RLIMIT_AS); return not os.path.exists('/proc/%d' % self.parent)",
        "its cores": "os.sched_setaffinity(self.parent, {0}); return not os.path.exists('/proc/%d' % self.parent)",
        "more processes than its own": "return len(glob.glob('/proc/[0-9]*')) > 6",
        "an abstract socket": "link = socket.socket(socket.AF_UNIX); link.connect('\\0glassbench-cheat-%d' % self.parent); return True",
        "an abstract socket by datagram": "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', '\\0glassbench-cheat-%d' % self.parent); return True",
        "sockets of services": "return [p for p in ('/run/docker.sock', '/var/run/docker.sock', '/run/dbus/system_bus_socket', '/run/systemd/private', '/run/containerd/containerd.sock', '/tmp/.X11-unix') if os.path.exists(p)]",
        "programs outside by their control group": "return writes('/sys/fs/cgroup/cgroup.procs')",
    },
    "reach the network": {
        "this machine": "return socket.create_connection(('127.0.0.1', self.port), 0.3)",
        "this machine under version 6": "return socket.create_connection(('::1', self.port), 0.3)",
        "this machine under all names": "return any(libc_connects(address, self.port) for address in ('0.0.0.0', '127.0.0.2', 'localhost'))",
        "the cloud's data of the machine": "return socket.create_connection(('169.254.169.254', 80), 0.3)",
        "private networks": "return any(libc_connects(address, 22) for address in ('10.0.0.1', '172.17.0.1', '192.168.0.1'))",
        "a datagram to many": "link = socket.socket(type=socket.SOCK_DGRAM); link.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); return link.sendto(b'x', ('255.255.255.255', 9))",
        "a datagram under version 6": "return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('2001:db8::1', 9))",
        "data with the first packet": "return socket.socket().sendto(b'x', 0x20000000, ('192.0.2.1', 80))",
        "a question for a name": "return socket.gethostbyname('example.org')",
        "raw packets": "return socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "raw packets of the internet": "return socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)",
        "an echo": "return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).sendto(b'\\x08' + bytes(7), ('192.0.2.1', 0))",
        "the kernel's routes": "return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
        "the host of a virtual machine": "return socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)",
        "the kernel's ciphers": "return socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET, 0)",
        "a bus of devices": "return socket.socket(socket.AF_CAN, socket.SOCK_RAW, 1)",
        "a radio": "return socket.socket(31, socket.SOCK_SEQPACKET, 0)",
        "other families": "return [f for f in range(3, 46) if f != 10 and not suppressed_socket(f)]",
        "an interface of the machine": "return [name for name in os.listdir('/sys/class/net') if name != 'lo']",
        "interfaces by their index": "return [name for _, name in socket.if_nameindex() if name != 'lo']",
    },
    "take more than allowed": {
        "memory without a name": "return call('memfd_create', b'cheat', 0)",
        "secret memory": "return call('memfd_secret', 0)",
        "memory of System V": "number = libc.syscall(numbers()['shmget'], 0, ctypes.c_size_t(900 * MIB), 0o1600); return number != -1",
        "one large mapping": "return mmap.mmap(-1, 800 * MIB)",
        "many mappings": "kept = [mmap.mmap(-1, 100 * MIB) for _ in range(8)]; return True",
        "a file in memory": "number = os.open('/dev/shm/large', os.O_CREAT | os.O_RDWR); os.ftruncate(number, 70 * MIB); os.posix_fallocate(number, 0, 70 * MIB); return True",
        "the scratch folder": "number = os.open('/scratch/large', os.O_CREAT | os.O_RDWR); signal.signal(signal.SIGXFSZ, signal.SIG_IGN); os.posix_fallocate(number, 0, 80 * MIB); return True",
        "many small files": "\nfor number in range(40):\n    Path(f'/scratch/part{number}').write_bytes(bytes(2 * MIB))\nreturn True",
        "a sparse file": "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); os.truncate(os.open('/scratch/sparse', os.O_CREAT | os.O_RDWR), 2**40); return True",
        "huge pages": "return mmap.mmap(-1, 700 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)",
        "open files": "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(1100)]; return True",
        "pipes": "\nkept = [os.pipe() for _ in range(500)]\nfor _, number in kept:\n    fcntl.fcntl(number, 1031, MIB)\nreturn all(fcntl.fcntl(n, 1032) == MIB for _, n in kept)",
        "swap": "return call('swapon', b'/scratch/large', 0)",
    },
}  # fmt: skip
# Every call of the filter's table, with arguments that make no sense.
ATTEMPTS["call what the filter refuses"] = {
    name: f"return libc.syscall(numbers()[{name!r}], *[ctypes.c_long(-1)] * 6) != -1 or ctypes.get_errno() != errno.ENOSYS"
    for name in kernel.REFUSED
}

HELPERS = """
def system_clone():
    return {"x86_64": 56, "aarch64": 220}[os.uname().machine]


def libc_connects(address, port):
    with contextlib.suppress(*FAILURES):
        return socket.create_connection((address, port), 0.2)


def suppressed_socket(family):
    with contextlib.suppress(OSError):
        socket.socket(family, socket.SOCK_DGRAM, 0)
        return False
    return True


# getpid of 32 bits: mov eax, 20; int 0x80; ret
MACHINE_CODE = b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3" if os.uname().machine == "x86_64" else b""


def run_machine_code(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0


"""


def write_attempts(folder: Path, kind: str) -> Path:
    """Write a submission that makes all attempts of a kind, and return its folder."""
    folder.mkdir(parents=True)
    functions = []
    for number, body in enumerate(ATTEMPTS[kind].values()):
        lines = body.strip().splitlines() if "\n" in body else body.split("; ")
        functions.append(f"def attempt_{number}(self):")
        functions += [f"    {line}" for line in lines]
    names = ", ".join(f"attempt_{number}" for number in range(len(ATTEMPTS[kind])))
    source = MODEL + HELPERS + "\n".join(functions) + f"\n\n\nATTEMPTS = [{names}]\n"
    (folder / "model.toml").write_text(CARD, encoding="utf-8")
    (folder / "model.py").write_text(source, encoding="utf-8")
    return folder

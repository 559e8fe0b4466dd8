"""Hosts that are network namespaces on one switch: what a proxy cannot do, a cable can.

Each host has one address, 10.77.0.N, and one cable (a veth pair) to a bridge. The namespaces have no names: each one is
held by a small process, and the kernel takes it away, with its cables and its rules, when that process ends. It ends
with the test, so nothing is ever left behind, and tests side by side do not meet.

    network = Network()
    a, b = network.host("a"), network.host("b")
    Process("redis", ["redis-server", ...], folder, host=a)      runs inside
    a.connect(("10.77.0.2", 6379))                               a socket of the test, as if from host a
    network.deafen(a, b)      a hears nothing of b; b still hears a
    network.cut(a, b)         neither hears the other
    a.unplug() / a.plug()     the cable to the switch
    a.link_down() / a.link_up()   the interface itself: programs see at once that there is no route
    a.lose(0.3)               three packets of ten that arrive at a are lost
    a.slow(rate)              bytes a second that leave a
    a.delay(ms)               by netem, where the kernel has it (Unsupported otherwise: the proxy delays everywhere)
    network.heal()            all as new

It needs root, and says so by failing.
"""
import ctypes
import os
import socket
import subprocess
import threading

from processes import _starter, until

BASE = "10.77.0."
_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


class Unsupported(Exception):
    """This kernel lacks what was asked for."""


def _run(*command, stdin=None):
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=30,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Namespace:
    """An unnamed network namespace."""

    def __init__(self):
        mine = os.stat("/proc/self/ns/net").st_ino
        # What waits for input that never comes holds the namespace open and costs nothing.
        self.holder = _starter.submit(
            subprocess.Popen, ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "cat"], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, start_new_session=True).result()
        self.path = f"/proc/{self.holder.pid}/ns/net"
        until(lambda: os.stat(self.path).st_ino != mine, "a network namespace of its own")
        self.enter = ["nsenter", f"--net={self.path}", "--"]

    def run(self, *command, stdin=None):
        return _run(*self.enter, *command, stdin=stdin)

    def connect(self, address, timeout=None):
        """A connection of this process that begins inside the namespace; it stays there."""
        result = {}

        def work():  # a namespace belongs to a thread: this one is thrown away
            try:
                with open(self.path, "rb") as namespace:
                    if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result["socket"] = socket.create_connection(address, timeout)
            except OSError as error:
                result["error"] = error
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        if "error" in result:
            raise result["error"]
        return result["socket"]

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdin.close()


class Host(Namespace):
    """Made by Network.host()."""

    def __init__(self, network, name, number):
        super().__init__()
        self.network, self.name, self.address = network, name, f"{BASE}{number}"
        self.port_on_switch = f"p{number}"
        network.switch.run("ip", "link", "add", self.port_on_switch, "type", "veth", "peer", "name", "eth0",
                           "netns", self.holder.pid)
        network.switch.run("ip", "link", "set", self.port_on_switch, "master", "switch", "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")
        self._rules("")

    def _rules(self, rules):
        self.run("nft", "-f", "-", stdin=f"""
            table inet fault {{
                chain arriving {{ type filter hook input priority 0; }}
            }}
            flush chain inet fault arriving
            {rules}""")

    def _drop(self, what):
        self.run("nft", "add", "rule", "inet", "fault", "arriving", *what.split(), "counter", "drop")

    def lost_packets(self):
        """How many packets the rules have taken so far: the proof that a fault struck."""
        words = self.run("nft", "list", "chain", "inet", "fault", "arriving").split()
        return sum(int(words[i + 1]) for i, word in enumerate(words) if word == "packets")

    def unplug(self):
        self.network.switch.run("ip", "link", "set", self.port_on_switch, "down")

    def plug(self):
        self.network.switch.run("ip", "link", "set", self.port_on_switch, "up")
        until(self.plugged, f"the cable of {self.name} to carry again")

    def link_down(self):
        self.run("ip", "link", "set", "eth0", "down")

    def link_up(self):
        self.run("ip", "link", "set", "eth0", "up")

    def plugged(self):
        """Whether the interface says that there is a cable and that it is up."""
        return " state UP " in self.run("ip", "-oneline", "link", "show", "eth0")

    def lose(self, share):
        self._drop(f'iifname "eth0" numgen random mod 1000 < {round(share * 1000)}')

    def slow(self, bytes_per_second):
        self.run("tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", f"{bytes_per_second * 8}bit",
                 "burst", "16kb", "latency", "400ms")

    def delay(self, milliseconds, jitter=0):
        try:
            self.run("tc", "qdisc", "replace", "dev", "eth0", "root", "netem", "delay", f"{milliseconds}ms",
                     f"{jitter}ms")
        except RuntimeError as error:
            if "qdisc kind is unknown" in str(error):
                raise Unsupported("this kernel has no netem; delay through the fault proxy") from None
            raise

    def heal(self):
        self._rules("")
        self.link_up()
        self.plug()
        subprocess.run([*self.enter, "tc", "qdisc", "delete", "dev", "eth0", "root"], capture_output=True, timeout=30,
                       check=False)  # there may be none


class Network:
    def __init__(self):
        if os.geteuid() != 0:
            raise AssertionError("network namespaces need root: run this test as root, as continuous integration does")
        self.hosts = []
        self.switch = Namespace()
        try:
            self.switch.run("ip", "link", "add", "switch", "type", "bridge", "forward_delay", "0")
            self.switch.run("ip", "link", "set", "switch", "up")
        except BaseException:
            self.close()
            raise

    def host(self, name):
        host = Host(self, name, len(self.hosts) + 1)
        self.hosts.append(host)
        return host

    def place(self, name):
        """The host of that name, a new one where there is none."""
        return next((host for host in self.hosts if host.name == name), None) or self.host(name)

    @staticmethod
    def deafen(host, other):
        """`host` hears nothing of `other` any more; the other way stays open."""
        host._drop(f"ip saddr {other.address}")

    def cut(self, host, other):
        self.deafen(host, other)
        self.deafen(other, host)

    def heal(self):
        for host in self.hosts:
            host.heal()

    def close(self):
        for host in self.hosts:
            host.close()
        self.switch.close()

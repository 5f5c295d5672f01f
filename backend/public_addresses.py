"""Connections to public internet addresses only, for calls that a stranger's settings may steer.

`ipaddress.is_global` alone is not the answer: it lets through addresses that carry a private IPv4 address
inside an IPv6 one, multicast, and (by Python version) some of the special-purpose registry. Here an address
must be global, be on no list of ours, and so must every IPv4 address it carries.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from backend.errors import Refusal

_Address = IPv4Address | IPv6Address

# IANA special-purpose registries (RFC 6890 and updates), and the clouds' metadata services outside them.
_DENIED: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared (carrier NAT); 100.100.100.200 is Alibaba Cloud's metadata service
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host agent
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is Oracle Cloud's metadata service
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b:1::/48",  # local NAT64
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # private
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether a literal address, as a resolver prints it, may be connected to; False for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if "%" in text:
        return False
    carried = list(_carried(address))
    # A mapped IPv4 address is only that address; the other forms are routed themselves, and checked too.
    own = [] if isinstance(address, IPv6Address) and address.ipv4_mapped else [address]
    return all(_is_plainly_public(each) for each in own + carried)


def _carried(address: _Address) -> Iterator[_Address]:
    """The IPv4 addresses an IPv6 address stands for: mapped, 6to4 and NAT64."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            yield address.ipv4_mapped
        if address.sixtofour:
            yield address.sixtofour
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_plainly_public(address: _Address) -> bool:
    listed = any(address.version == network.version and address in network for network in _DENIED)
    return address.is_global and not address.is_multicast and not listed


class AddressRefused(Refusal):
    """This URL will not be called: its form, its scheme, or an address that is not public."""

    code = "ADDRESS_REFUSED"
    title = "不允许访问该地址 / This address may not be called"


class Unreachable(OSError):
    """The name has no address, or none of its addresses answers."""


class Alarm:
    """Ends an exchange at its deadline by shutting its sockets, whatever they wait for.

    Socket time-outs start anew with every byte, so a server that drips could hold a caller for ever.
    """

    def __init__(self, deadline_s: float) -> None:
        self.rung = False
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(deadline_s, self._ring)
        self._timer.daemon = True

    def __enter__(self) -> "Alarm":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for sock in self._watched:
                sock.close()
            self._watched.clear()

    def watch(self, sock: socket.socket) -> None:
        """Shut this socket's connection when the deadline comes, or at once if it has."""
        with self._lock:
            # A duplicate, because TLS takes the original over; shutting either shuts the connection.
            self._watched.append(sock.dup())
        if self.rung:
            self._ring()

    def _ring(self) -> None:
        with self._lock:
            self.rung = True
            for sock in self._watched:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


def open_socket(host: str, port: int, alarm: Alarm, *, timeout_s: float, any_address: bool = False) -> socket.socket:
    """A connection to an address of `host`, watched by `alarm`; `timeout_s` is for one address.

    One address that is not public condemns the name, unless `any_address`. Raises AddressRefused,
    Unreachable.
    """
    found = _look_up(host, port, timeout_s)
    if not any_address and not all(is_public(str(address[0])) for _, address in found):
        raise AddressRefused("the host has an address that is not public")
    for family, address in found:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout_s)
            alarm.watch(sock)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            sock.close()
            if alarm.rung:
                break
        else:
            return sock
    raise Unreachable("no address answers" if found else "the name has no address")


def _look_up(host: str, port: int, timeout_s: float) -> list[tuple[socket.AddressFamily, Any]]:
    """The socket addresses of a name, in the resolver's order; none when it does not know or is too slow."""
    answers: list[list[tuple[socket.AddressFamily, Any]]] = []

    def ask() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append([(family, address) for family, _, _, _, address in found])

    # The resolver cannot be interrupted; a thread can be left behind.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout_s)
    return answers[0] if answers else []

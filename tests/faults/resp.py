"""What Redis speaks on the wire, twice: a small client for the stage, and scanners that tell a proxy where things end.

The client blocks, has a deadline for everything and never reconnects: a test must see what happens.
"""
import socket


class RedisError(Exception):
    """Redis answered with an error; its first word is what counts."""

    @property
    def code(self):
        return str(self).split(" ", 1)[0]


class Lost(ConnectionError):
    """The connection ended before the answer: whether the command took effect is unknown."""


def encode(*arguments):
    """One command, or a reply that is an array of bulk strings: the same bytes."""
    out = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(out)


def parse(data, at=0):
    """(value, where it ends), or None when more bytes are needed. Strings are text where they can be."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    kind, line, at = data[at:at + 1], data[at + 1:end], end + 2
    if kind == b"+":
        return line.decode(), at
    if kind == b"-":
        return RedisError(line.decode(errors="replace")), at
    if kind == b":":
        return int(line), at
    if kind == b"$":
        length = int(line)
        if length < 0:
            return None, at
        if len(data) < at + length + 2:
            return None
        value = bytes(data[at:at + length])
        try:
            value = value.decode()
        except UnicodeDecodeError:
            pass  # binary: the caller gets the bytes
        return value, at + length + 2
    if kind == b"*":
        if int(line) < 0:
            return None, at
        values = []
        for _ in range(int(line)):
            found = parse(data, at)
            if found is None:
                return None
            values.append(found[0])
            at = found[1]
        return values, at
    raise ValueError(f"not RESP: {bytes(data[at:at + 20])!r}")


class Connection:
    """One connection to Redis or Sentinel. `open_socket` lets it begin inside a network namespace."""

    def __init__(self, address, seconds=5.0, user=None, password=None, open_socket=socket.create_connection):
        self.socket = open_socket(address, timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        if password is not None:
            try:
                self("AUTH", *([user] if user else []), password)
            except BaseException:
                self.close()
                raise

    def send(self, *commands):
        """Several commands (tuples) in one write; read() gives the replies in order."""
        try:
            self.socket.sendall(b"".join(encode(*command) for command in commands))
        except TimeoutError:
            raise
        except OSError as error:
            raise Lost(f"the connection ended while sending: {error}") from None

    def read(self):
        """The next reply; an error reply is returned, not raised. TimeoutError when none comes in time."""
        while True:
            found = parse(self.data)
            if found is not None:
                self.data = self.data[found[1]:]
                return found[0]
            try:
                more = self.socket.recv(1 << 18)
            except ConnectionError:
                more = b""
            if not more:
                raise Lost("the connection ended before the reply")
            self.data += more

    def __call__(self, *command):
        """One command; its reply, or RedisError raised."""
        self.send(command)
        reply = self.read()
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Scanner:
    """Cuts a stream of RESP into whole values without keeping more than the unfinished one.

    feed(bytes) gives the list of whole values as (bytes, summary): for commands and arrays of strings the summary is
    the list of elements, for anything else the first line. Whoever gets ValueError must treat the rest as raw bytes.
    """

    def __init__(self):
        self.data = bytearray()
        self.at = 0      # up to here the unfinished value is understood
        self.left = 1    # values that are still needed to end it
        self.words = []  # the strings of the unfinished value, for the summary

    def feed(self, data):
        self.data += data
        whole = []
        while True:
            end = self.data.find(b"\r\n", self.at)
            if end < 0:
                return whole
            kind = self.data[self.at]
            if kind in b"$=!":
                length = int(self.data[self.at + 1:end])
                after = end + 2 + (length + 2 if length >= 0 else 0)
                if len(self.data) < after:
                    return whole
                if len(self.words) < 16:
                    self.words.append(bytes(self.data[end + 2:after - 2]))
                self.at = after
            elif kind in b"*~>%":
                self.left += max(0, int(self.data[self.at + 1:end])) * (2 if kind == ord("%") else 1)
                self.at = end + 2
            elif kind in b"+-:_,#(":
                if len(self.words) < 16:
                    self.words.append(bytes(self.data[self.at:end]))
                self.at = end + 2
            else:
                raise ValueError("not RESP")
            self.left -= 1
            if self.left == 0:
                whole.append((bytes(self.data[:self.at]), self.words))
                del self.data[:self.at]
                self.at, self.left, self.words = 0, 1, []

    def rest(self):
        """The bytes of the value that is not whole yet."""
        return bytes(self.data)

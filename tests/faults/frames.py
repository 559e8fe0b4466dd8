"""As much of MessagePack as a proxy needs: where a frame ends, and what number and method it has."""
import struct

OUR_NUMBERS = 0xe0000000  # requests that the proxy makes up are numbered from here; clients count from 1

# First byte: bytes of length that follow, and bytes besides them (fixed sizes have no length).
_FIXED = {0xc0: 0, 0xc2: 0, 0xc3: 0, 0xca: 4, 0xcb: 8, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4,
          0xd3: 8, 0xd4: 2, 0xd5: 3, 0xd6: 5, 0xd7: 9, 0xd8: 17}
_BYTES = {0xc4: (1, 0), 0xc5: (2, 0), 0xc6: (4, 0), 0xc7: (1, 1), 0xc8: (2, 1), 0xc9: (4, 1), 0xd9: (1, 0),
          0xda: (2, 0), 0xdb: (4, 0)}
_MANY = {0xdc: (2, 1), 0xdd: (4, 1), 0xde: (2, 2), 0xdf: (4, 2)}


def value_end(data, at):
    """Where the value that begins at `at` ends; IndexError when more bytes are needed."""
    left = 1
    while left:
        left -= 1
        first = data[at]
        at += 1
        if first <= 0x7f or first >= 0xe0:
            pass
        elif first <= 0x8f:
            left += 2 * (first & 0x0f)
        elif first <= 0x9f:
            left += first & 0x0f
        elif first <= 0xbf:
            at += first & 0x1f
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _BYTES:
            width, more = _BYTES[first]
            if at + width > len(data):
                raise IndexError
            at += width + more + int.from_bytes(data[at:at + width], "big")
        elif first in _MANY:
            width, each = _MANY[first]
            if at + width > len(data):
                raise IndexError
            left += each * int.from_bytes(data[at:at + width], "big")
            at += width
        else:
            raise ValueError("not MessagePack")
    if at > len(data):
        raise IndexError
    return at


def frame_split(buffer):
    """Take the whole frames out of a bytearray; what is left in it is the beginning of the next."""
    frames, at = [], 0
    while at < len(buffer):
        try:
            end = value_end(buffer, at)
        except IndexError:
            break
        frames.append(bytes(buffer[at:end]))
        at = end
    del buffer[:at]
    return frames


def frame_number(frame):
    """(kind, number, method): 0 request, 1 response, 2 notification; the method is empty where there is none."""
    if len(frame) < 3 or frame[0] & 0xf0 != 0x90 or frame[1] > 2:
        return None, -1, b""
    kind, at, number = frame[1], 2, -1
    if kind != 2:
        at = value_end(frame, 2)
        first = frame[2]
        number = first if first <= 0x7f else int.from_bytes(frame[3:at], "big")
    if kind == 1:
        return kind, number, b""
    start = at + (1 if frame[at] & 0xe0 == 0xa0 else 2)
    return kind, number, frame[start:value_end(frame, at)]


def with_number(frame, number):
    """The same request under another number."""
    if frame[1] == 2:
        return frame  # a notification has none
    return frame[:2] + b"\xce" + struct.pack(">I", number) + frame[value_end(frame, 2):]

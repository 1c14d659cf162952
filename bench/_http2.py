"""HTTP/2 by hand: gRPC calls built once and sent as often as one likes."""

import struct

DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
HEAD_BYTES = 9


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b"")


def calls(method: str, token: str, message: bytes, count: int) -> bytes:
    """Calls of one method with one message, on the first streams of a connection."""
    block, body = _header_block(method, token), struct.pack(">BI", 0, len(message)) + message
    return b"".join(
        frame(HEADERS, END_HEADERS, stream, block) + frame(DATA, END_STREAM, stream, body)
        for stream in range(1, 1 + 2 * count, 2)
    )


def _header_block(method: str, token: str) -> bytes:
    """The headers as literals that no table remembers."""
    fields = {":path": method, ":authority": "localhost", "content-type": "application/grpc", "te": "trailers"}
    if token:
        fields["authorization"] = f"Bearer {token}"
    literals = b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields.items())
    return b"\x83\x87" + literals  # :method POST, :scheme https


def _text(text: str) -> bytes:
    return bytes((len(text),)) + text.encode()  # up to 126 characters

"""The socket a door listens on.

Usage: `socket = listening(AF_INET6, "::", 7444)`.
"""

import socket

from wayside_manager.api.door.relay import reset_on_close

_BACKLOG = 1_024


def listening(family: int, address: str, port: int) -> socket.socket:
    """A socket that listens and does not block; what it accepts is reset when it is closed.

    Raises: OSError: the port is taken, or the address is not ours.
    """
    is_ipv6 = family == socket.AF_INET6
    # Never shared: a second manager on the port must fail.
    listener = socket.create_server(
        (address, port), family=family, backlog=_BACKLOG, dualstack_ipv6=is_ipv6 and address == "::"
    )
    listener.setblocking(False)
    reset_on_close(listener)  # what it accepts inherits this: the cheapest refusal there is
    return listener

# What we use of google.rpc: the published stubs bring grpc-stubs, which fight with types-grpcio over one folder.

from collections.abc import Mapping

from google.protobuf.message import Message

class ErrorInfo(Message):
    reason: str
    domain: str
    metadata: Mapping[str, str]
    def __init__(self, *, reason: str = ..., domain: str = ..., metadata: Mapping[str, str] = ...) -> None: ...

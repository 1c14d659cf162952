from typing import BinaryIO

class Error(Exception): ...

def create_patch(
    ffrom: BinaryIO,
    fto: BinaryIO,
    fpatch: BinaryIO,
    compression: str = ...,
    patch_type: str = ...,
) -> None: ...

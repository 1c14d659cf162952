"""The helper as the daemon sees it: a process that gets one line and answers with lines."""

import os
import subprocess
import sys
from pathlib import Path

from tests.signed_repository import NOW, SignedRepositories
from wayside_agent.core.installing import (
    Agree,
    Agreed,
    Answer,
    Done,
    Failed,
    Install,
    Refused,
    Request,
    Verify,
    answered,
    encoded,
)
from wayside_agent.update.helper import answer
from wayside_agent.update.place import Place

NODE = "nodes/u1"
HARDWARE = "rsu-5100"
TIMEOUT_S = 60.0


class Unit:
    """One unit's folders, and the two repositories it listens to."""

    def __init__(self, root: Path) -> None:
        self.state = root / "state"
        self.staged = self.state / "staged"
        self.slots = self.state / "slots"
        self.slots.mkdir(parents=True)
        self.artifact = self.state / "artifact.part"
        self.signed = SignedRepositories()
        self.signed.pin(self.state / "roots")
        self.hardware_id = HARDWARE
        self.now_s: float | None = NOW.timestamp()

    def order(self, content: bytes, version: str = "1.1.0") -> None:
        """A release is published and this unit told to install it; its bytes and the metadata are on the device."""
        self.signed.publish(content, version)
        self.signed.direct(NODE, version)
        self.signed.stage(self.staged)
        self.artifact.write_bytes(content)

    def agree(self, version: str = "1.1.0", *, sha256: str = "", size_bytes: int = -1) -> Request:
        """What the daemon would ask, of what is published."""
        target = self.signed.image.targets.targets.get(f"{version}.tar.gz")
        return Agree(
            node=NODE,
            now_s=self.now_s,
            version=version,
            sha256=sha256 or (target.hashes["sha256"] if target else "0" * 64),
            size_bytes=size_bytes if size_bytes >= 0 else target.length if target else 0,
            staged=str(self.staged),
        )

    def sha256(self, version: str = "1.1.0") -> str:
        return self.signed.image.targets.targets[f"{version}.tar.gz"].hashes["sha256"]

    def verify(self, version: str = "1.1.0", *, is_delta: bool = False) -> Request:
        return Verify(now_s=self.now_s, sha256=self.sha256(version), artifact=str(self.artifact), is_delta=is_delta)

    def install(self, version: str = "1.1.0", slot: str = "a", *, is_delta: bool = False) -> Request:
        return Install(
            now_s=self.now_s,
            sha256=self.sha256(version),
            artifact=str(self.artifact),
            is_delta=is_delta,
            slot=slot,
        )

    def commit(self, slot: str) -> None:
        """As the daemon does once a release has proven itself."""
        from wayside_agent.core.boot_choice import BootChoice
        from wayside_agent.core.boot_choice import encoded as encoded_choice

        (self.slots / "boot.json").write_bytes(encoded_choice(BootChoice(active=slot, bootable=(slot,))))

    def ask(self, request: Request) -> Answer:
        """The last answer, from the code the process runs."""
        return self.told(encoded(request))[-1]

    def told(self, line: bytes) -> list[Answer]:
        """All answers to one line, in this process."""
        import io

        out = io.BytesIO()
        answer(Place(self.state, self.hardware_id), io.BytesIO(line), out)
        return [answered(each) for each in out.getvalue().splitlines()]

    def process(self, line: bytes) -> tuple[list[Answer], str]:
        """All answers of a real helper, and what it wrote to standard error."""
        command = [sys.executable, "-m", "wayside_agent.update", "--state-dir", str(self.state)]
        ended = subprocess.run(
            [*command, "--hardware-id", self.hardware_id, "--parent", str(os.getpid())],
            input=line,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
        return [answered(each) for each in ended.stdout.splitlines()], ended.stderr.decode()

    def refusal(self, request: Request) -> str:
        """The reason of a refusal."""
        last = self.ask(request)
        assert isinstance(last, Refused), last
        return last.reason

    def agreed(self, version: str = "1.1.0") -> Agreed:
        last = self.ask(self.agree(version))
        assert isinstance(last, Agreed), last
        return last

    def installed(self, content: bytes, version: str = "1.1.0", slot: str = "a") -> None:
        """Orders, agrees, installs and commits."""
        self.order(content, version)
        self.agreed(version)
        last = self.ask(self.install(version, slot))
        assert isinstance(last, Done), last
        self.commit(slot)


__all__ = ["Done", "Failed", "Unit"]

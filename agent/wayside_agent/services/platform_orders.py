"""Does what a platform asks, if the unit's settings allow it; `core.platform.policy` judges, this file acts.

Usage: `answer = await orders.answer(Subject.MAP_DOWN, message)`; it never raises for what a platform sends.
"""

import asyncio
import logging

from wayside.errors import WaysideError
from wayside.v2x.peek import MessageKind
from wayside_agent.core.heard.sampler import Sampler
from wayside_agent.core.job import ASKED_PREFIX
from wayside_agent.core.platform.answer import Answer, CommandError, Reason
from wayside_agent.core.platform.codec import on_air
from wayside_agent.core.platform.messages import Config, Frames, Head, Management
from wayside_agent.core.platform.policy import narrowed, refused
from wayside_agent.core.platform.seen import digest
from wayside_agent.core.platform.subject import KIND_OF_DOWN, Subject
from wayside_agent.services.platform_world import Manner, Plan, World

PATIENCE_S = 10.0
"""For what the unit does at once."""
_LEVELS = {"DEBUG": logging.INFO, "INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR, "NOLog": None}
"""What is below INFO may hold positions and payloads; it stays on the unit."""
_JOB_DIGEST_BYTES = 8
_TOLD = frozenset({Subject.OTA_DOWN, Subject.CONFIG_DOWN, Subject.MANAGEMENT_DOWN})
"""What is in the log whatever the answer."""

logger = logging.getLogger(__name__)


class Orders:
    """Of one platform."""

    def __init__(self, plan: Plan, world: World, manner: Manner) -> None:
        self._plan = plan
        self._world = world
        self._manner = manner
        self._lights_reason: Reason | None = None
        """How the newest SPAT was answered; they come ten times a second, and the log gets what changes."""

    async def answer(self, subject: Subject, message: Head) -> Answer:
        """Does it or refuses it."""
        plan = self._plan
        answer = refused(subject, message, plan.allowed, ttl_s=plan.ttl_s)
        if answer is None:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._do(subject, message)
                answer = Answer()
            except CommandError as error:
                answer = error.answer
            except WaysideError as error:
                answer = Answer(Reason.FAILED, str(error))
            except TimeoutError:
                answer = Answer(Reason.FAILED, f"not done within {PATIENCE_S:g} s")
        is_news = self._is_news(subject, answer)
        if subject in _TOLD or (answer.code and is_news):
            logger.info(
                "Platform %s: %s %s: %s",
                plan.label,
                subject,
                str(message.seqNum)[:20],
                answer.description or "done",
                extra={"reason": answer.reason.value},
            )
        return answer

    def _is_news(self, subject: Subject, answer: Answer) -> bool:
        if subject is not Subject.SPAT_DOWN:
            return True
        before, self._lights_reason = self._lights_reason, answer.reason
        return before is not answer.reason

    async def _do(self, subject: Subject, message: Head) -> None:
        if isinstance(message, Frames):
            await self._broadcast(KIND_OF_DOWN[subject], message)
        elif isinstance(message, Config):
            self._sample(message)
        elif isinstance(message, Management):
            await self._manage(message)
        elif subject is Subject.OTA_DOWN:
            await self._pass_on(message)

    async def _broadcast(self, kind: MessageKind, message: Frames) -> None:
        broadcaster = self._world.broadcaster
        if broadcaster is None:
            raise CommandError(Reason.NO_BROADCAST, f"this unit does not broadcast {kind.value} of others")
        for each in on_air(message, kind, self._plan.profile):
            await broadcaster.broadcast(kind, each, source=f"platform:{self._plan.label}")

    def _sample(self, message: Config) -> None:
        samplers = self._manner.samplers
        asked = {
            MessageKind.BSM: message.bsmConfig,
            MessageKind.RSM: message.rsmConfig,
            MessageKind.SPAT: message.spatConfig,
        }
        wanted = {kind: each for kind, each in asked.items() if each is not None}
        for kind in wanted:
            if kind not in samplers:
                raise CommandError(Reason.NOT_ALLOWED, f"the unit's settings send no {kind.value} to this platform")
        for kind, each in wanted.items():
            samplers[kind] = Sampler(narrowed(self._plan.rules[kind], each))

    async def _pass_on(self, message: Head) -> None:
        """Has the manager told, durably, that an update is wanted; what runs then, OTA.UP says."""
        number = "" if message.seqNum is None else f" (seqNum {str(message.seqNum)[:20]})"
        sentence = f"platform {self._plan.label} wants an update{number}; create a rollout, or leave it"
        if not await self._world.tell(self._job_name(message), sentence):
            raise CommandError(Reason.FAILED, "the unit's disk is full; ask again")
        raise CommandError(Reason.PASSED_ON, "the manager's operators are told, and decide; OTA.UP says what runs")

    def _job_name(self, message: Head) -> str:
        return f"{ASKED_PREFIX}{self._plan.label}-{digest(message)[:_JOB_DIGEST_BYTES].hex()}"

    async def _manage(self, message: Management) -> None:
        manner = self._manner
        if message.reboot:
            await self._world.reboot(self._job_name(message))
        if message.hbRate is not None:
            manner.heartbeat_s = float(message.hbRate)
        if message.runningInfoRate is not None:
            manner.running_s = float(message.runningInfoRate)
        if message.logLevel is not None:
            manner.log_level = _LEVELS[message.logLevel]

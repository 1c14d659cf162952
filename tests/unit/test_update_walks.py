"""Random lives of an update: whatever happens and whenever the power fails, it ends at rest and says where to go on."""

import random
from dataclasses import replace

import pytest

from wayside_agent.core.agreement import Agreement
from wayside_agent.core.boot_choice import BootChoice, Trial, started
from wayside_agent.core.update import AT_REST, NEXT, Event, Phase, ReleaseTarget, Running, Update
from wayside_agent.core.update_steps import Step, next_step

WANTED = ReleaseTarget("releases/1.1.0", "1.1.0", "b" * 64, 1000, "rollouts/r1")
OTHER = ReleaseTarget("releases/1.2.0", "1.2.0", "c" * 64, 1000, "rollouts/r2")
AGREED = {each: Agreement(each.release, each.version, each.sha256, 1000, "", 1) for each in (WANTED, OTHER)}
RUNS_OUT = 60
"""Turns after which fate is kind: everything that can succeed does."""


class CutError(Exception):
    """The power fails now."""


class Life:
    """What is durable of a unit (`update`, `choice`, what slots hold), and one process that walks."""

    def __init__(self, seed: int) -> None:
        self.fate = random.Random(seed)  # noqa: S311  # deterministic on purpose
        self.update, self.choice = Update(), BootChoice()
        self.slots: dict[str, ReleaseTarget] = {}
        self.slot, self.turn = "", 0
        self.wanted: ReleaseTarget | None = WANTED

    def chance(self, share: float) -> bool:
        return self.turn < RUNS_OUT and self.fate.random() < share

    def cut(self) -> None:
        if self.chance(0.08):
            raise CutError

    def save(self, update: Update) -> None:
        self.cut()
        self.update = update
        self.check()
        self.cut()

    def choose(self, choice: BootChoice) -> None:
        self.cut()
        self.choice = choice
        self.check()
        self.cut()

    def check(self) -> None:
        """What must hold of all that is durable, at every instant."""
        trial = self.choice.trial
        assert trial is None or trial.slot != self.choice.active
        assert len({self.choice.active} & {"", "a", "b"}) == 1
        if trial is not None:
            assert trial.slot in {self.update.slot, self.slot}
        if self.update.phase not in AT_REST:
            assert self.update.target is not None
        assert next_step(self.update, self.wanted, self.running()) in Step

    def running(self) -> Running:
        held, choice = self.slots.get(self.slot), self.choice
        spare = self.slots.get(self.spare()) if self.spare() in choice.bootable else None
        return Running(
            slot=self.slot,
            is_provisional=self.slot not in {"", choice.active},
            release=held.release if held else "",
            sha256=held.sha256 if held else "",
            spare_sha256=spare.sha256 if spare else "",
            failed_slot=choice.failed_slot,
            failure=choice.failure,
            chosen_slot=choice.trial.slot if choice.trial else "",
        )

    def spare(self) -> str:
        return next((name for name in "ab" if name not in {self.slot, self.choice.active}), "")

    def start(self) -> None:
        """The launcher, and the process it starts."""
        self.choice, start = started(self.choice, set(self.slots))
        self.slot = start.slot
        self.update = self.update.resumed(self.update.downloaded_bytes)

    def live(self) -> None:
        self.start()
        while self.turn < RUNS_OUT * 4:
            self.turn += 1
            if self.chance(0.05):
                self.wanted = self.fate.choice([WANTED, OTHER, None])
            step = next_step(self.update, self.wanted, self.running())
            if step is Step.REST:
                if self.turn >= RUNS_OUT:
                    return
                continue
            try:
                self.take(step)
            except CutError:
                self.start()

    def after(self, event: Event, **changes: object) -> None:
        self.save(replace(self.update.after(event), **changes))  # type: ignore[arg-type]

    def take(self, step: Step) -> None:  # noqa: C901, PLR0912  # one line for each step
        update = self.update
        match step:
            case Step.ORDER:
                self.save(Update(phase=Phase.CHECKING, target=self.wanted))
            case Step.ADOPT:
                self.save(Update(phase=Phase.COMMITTED, target=self.wanted, slot=self.slot))
            case Step.CHECK:
                assert update.target is not None
                event = Event.BROKE if self.chance(0.1) else Event.AGREED
                self.after(event, agreement=AGREED[update.target])
            case Step.CHECK_AGAIN:
                self.after(Event.STALE)
            case Step.FETCH:
                self.after(Event.BROKE if self.chance(0.1) else Event.FETCHED)
            case Step.VERIFY:
                self.after(self.fate.choice([Event.LOST, Event.BROKE]) if self.chance(0.2) else Event.VERIFIED)
            case Step.WAIT:
                if not self.chance(0.3):
                    self.after(Event.LOST if self.chance(0.1) else Event.READY)
            case Step.INSTALL:
                self.install()
            case Step.SWITCH:
                self.switch()
            case Step.START_TRIAL:
                self.after(Event.STARTED)
            case Step.PROVE:
                self.prove()
            case Step.SETTLE:
                self.after(Event.PASSED)
            case Step.GO_BACK:
                self.choose(replace(self.choice, trial=None, failed_slot=self.slot, failure="worse"))
                self.start()
            case Step.NOTE_RETURN:
                self.after(Event.RETURNED)
            case Step.WITHDRAW | Step.GIVE_UP:
                if update.phase is Phase.SWITCHING:
                    trial = self.choice.trial
                    tried = trial.slot if trial else self.slot
                    self.choose(replace(self.choice, trial=None, failed_slot=tried, failure="withdrawn"))
                self.after(Event.WITHDRAWN if step is Step.WITHDRAW else Event.BROKE)

    def install(self) -> None:
        target, slot = self.update.target, self.spare()
        assert target is not None
        assert slot, "the slot that runs and the way back are never written"
        bootable = tuple(each for each in self.choice.bootable if each != slot)
        self.choose(replace(self.choice, bootable=bootable, failed_slot="", failure=""))
        self.slots.pop(slot, None)
        self.cut()
        self.slots[slot] = target
        self.choose(replace(self.choice, bootable=(*bootable, slot)))
        self.after(Event.BROKE if self.chance(0.05) else Event.INSTALLED, slot=slot)

    def switch(self) -> None:
        slot = self.update.slot
        if self.running().chosen_slot != slot and self.chance(0.2):
            self.after(Event.HELD)
            return
        self.choose(replace(self.choice, trial=Trial(slot, 2, 20.0), failed_slot="", failure=""))
        self.start()

    def prove(self) -> None:
        if self.chance(0.3):
            self.after(Event.REFUSED)
            return
        self.choose(replace(self.choice, active=self.slot, trial=None, failed_slot="", failure=""))


@pytest.mark.parametrize("block", range(10))
def test_every_walk_ends_at_rest_with_one_slot_chosen(block: int) -> None:
    for seed in range(block * 200, block * 200 + 200):
        life = Life(seed)
        life.live()
        assert life.update.phase in AT_REST, f"seed {seed}: {life.update}"
        assert life.choice.trial is None, f"seed {seed}: {life.choice}"
        assert life.slot == life.choice.active, f"seed {seed}"
        held = life.slots.get(life.slot)
        if life.update.phase is Phase.COMMITTED and life.wanted is not None:
            assert held is not None, f"seed {seed}"
            assert held.sha256 == life.wanted.sha256, f"seed {seed}"


def test_events_out_of_place_change_nothing_that_is_persisted() -> None:
    for phase in Phase:
        for event in Event:
            if (phase, event) in NEXT:
                assert Update(target=WANTED, phase=phase).after(event).phase is NEXT[phase, event]

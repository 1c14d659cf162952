"""Components: dependencies first, all staged before one is activated, and one meaning of every failure."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.release_manifest import Component, in_order
from wayside_agent.core.components import (
    Act,
    Deed,
    Fitting,
    Found,
    Goal,
    Plan,
    Stage,
    gate_results,
    misfit,
    next_act,
    planned,
)

NAMES = tuple("abcdefgh")


def component(name: str, *requires: str, provides: tuple[str, ...] = (), driver: str = "firmware") -> Component:
    return Component(
        name=name, version="1", driver=driver, file=f"payload/{name}", requires=requires, provides=provides
    )


def plan_of(*names: str) -> Plan:
    return planned(tuple(component(name) for name in names))


def walked(plan: Plan, fails: Callable[[Act], bool] = lambda _: False) -> tuple[Plan, list[str]]:
    """The plan when nothing more is to be done, and what was done."""
    done = []
    while (act := next_act(plan)) is not None:
        is_failure = fails(act)
        plan = plan.after(act, failure="the radio is silent" if is_failure else "")
        done.append(f"{act.deed.lower()} {act.name}{' failed' if is_failure else ''}")
    return plan, done


def stages(plan: Plan) -> dict[str, str]:
    return {part.name: part.stage.value for part in plan.parts}


def test_a_component_comes_after_those_it_requires() -> None:
    parts = (
        component("radio", "mcu"),
        component("map"),
        component("mcu", "boot-9"),
        component("x", provides=("boot-9",)),
    )
    assert [each.name for each in in_order(parts)] == ["map", "x", "mcu", "radio"]


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ((component("a"), component("a")), "two are called 'a'"),
        ((component("a", "b"),), "a requires b, which no component provides"),
        ((component("a", "b"), component("b", "a"), component("c")), "a, b wait for each other"),
        ((component("a", "a"),), "a wait for each other"),
    ],
    ids=["twice", "missing", "circle", "itself"],
)
def test_what_has_no_order_is_refused(parts: tuple[Component, ...], sentence: str) -> None:
    with pytest.raises(InvalidArgumentError, match=sentence):
        in_order(parts)


def test_the_slot_of_the_agent_is_no_part_of_the_plan() -> None:
    parts = (component("agent", driver="slot"), component("radio", "agent"))
    assert [part.name for part in planned(parts).parts] == ["radio"]


def test_all_are_staged_before_the_first_is_activated() -> None:
    plan, done = walked(plan_of("a", "b"))
    assert done == ["install a", "install b"]
    assert next_act(plan) is None
    plan, done = walked(plan.towards(Goal.ACTIVE))
    assert done == ["activate a", "activate b"]
    plan, done = walked(plan.towards(Goal.CONFIRMED))
    assert done == ["confirm a", "confirm b"]
    assert plan.is_done


def test_nothing_is_activated_before_all_are_staged() -> None:
    with pytest.raises(FailedPreconditionError, match="STAGED to ACTIVE"):
        plan_of("a").towards(Goal.ACTIVE)


def test_one_that_cannot_be_installed_gives_up_those_before_it_newest_first() -> None:
    plan, done = walked(plan_of("a", "b", "c"), lambda act: act == Act("b", Deed.INSTALL))
    assert done == ["install a", "install b failed", "revert b", "revert a"]
    assert plan.failure == "component b: the radio is silent"
    assert stages(plan) == {"a": "REVERTED", "b": "REVERTED", "c": "REVERTED"}


def test_one_that_cannot_be_activated_takes_back_all() -> None:
    plan, _ = walked(plan_of("a", "b", "c"))
    plan, done = walked(plan.towards(Goal.ACTIVE), lambda act: act == Act("b", Deed.ACTIVATE))
    assert done == ["activate a", "activate b failed", "revert c", "revert b", "revert a"]
    assert set(stages(plan).values()) == {"REVERTED"}


def test_a_revert_that_fails_stops_no_other_and_is_tried_again_later() -> None:
    plan, _ = walked(plan_of("a", "b"))
    plan, done = walked(plan.towards(Goal.REVERTED, failure="the gate"), lambda act: act.name == "b")
    assert done == ["revert b failed", "revert a"]
    assert plan.failures == ("component b: the radio is silent",)
    assert not plan.is_done
    plan, done = walked(plan.again())
    assert done == ["revert b"]
    assert plan.is_done
    assert plan.failure == "the gate"


def test_once_one_is_confirmed_there_is_no_way_back() -> None:
    plan, _ = walked(plan_of("a", "b"))
    plan, _ = walked(plan.towards(Goal.ACTIVE))
    plan, done = walked(plan.towards(Goal.CONFIRMED), lambda act: act.name == "b")
    assert done == ["confirm a", "confirm b failed"]
    assert plan.failures == ("component b: the radio is silent",)
    with pytest.raises(FailedPreconditionError):
        plan.towards(Goal.REVERTED)
    assert walked(plan.again())[0].is_done


def test_a_deed_that_cannot_happen_is_refused() -> None:
    with pytest.raises(FailedPreconditionError, match="component a: CONFIRM cannot happen now"):
        plan_of("a").after(Act("a", Deed.CONFIRM))
    with pytest.raises(FailedPreconditionError, match="component z"):
        plan_of("a").after(Act("z", Deed.INSTALL))


def active(*names: str) -> Plan:
    """All of them on trial."""
    plan = walked(plan_of(*names))[0]
    return walked(plan.towards(Goal.ACTIVE))[0]


def test_one_that_runs_already_is_not_touched_on_either_way() -> None:
    plan = plan_of("a", "b").present("a")
    assert walked(plan)[1] == ["install b"]
    plan, _ = walked(walked(plan)[0].towards(Goal.ACTIVE))
    assert walked(plan.towards(Goal.CONFIRMED))[1] == ["confirm b"]
    assert walked(plan.towards(Goal.REVERTED, failure="the gate"))[1] == ["revert b"]


def test_a_plan_that_no_driver_has_begun_is_given_up_without_a_deed() -> None:
    plan = plan_of("a", "b").given_up("a damaged image", "COMPONENT")
    assert (next_act(plan), plan.is_done, plan.sentence) == (None, True, "a damaged image")
    assert walked(plan_of("a", "b").begun().given_up("cut off", "COMPONENT"))[1] == ["revert a"]


def test_the_first_that_cannot_be_confirmed_takes_back_all_and_a_later_one_none() -> None:
    plan, done = walked(active("a", "b").towards(Goal.CONFIRMED), lambda act: act == Act("a", Deed.CONFIRM))
    assert done == ["confirm a failed", "revert b", "revert a"]
    assert plan.reason == "COMPONENT"
    plan, _ = walked(active("a", "b").towards(Goal.CONFIRMED), lambda act: act == Act("b", Deed.CONFIRM))
    assert plan.given_up("whatever", "GATE") == plan


def test_one_that_its_device_has_left_is_installed_activated_and_confirmed_again() -> None:
    plan = active("a", "b").towards(Goal.CONFIRMED).after(Act("a", Deed.CONFIRM)).lost("b")
    assert plan.round_count == 1
    assert walked(plan)[1] == ["install b", "activate b", "confirm b"]


def test_a_start_of_the_machine_is_needed_until_it_has_another_name() -> None:
    plan = walked(plan_of("a"))[0].towards(Goal.ACTIVE).after(Act("a", Deed.ACTIVATE), boot_id="start 1")
    assert plan.awaits_boot("start 1")
    assert not plan.awaits_boot("start 2")
    assert not plan_of("a").awaits_boot("")
    back = plan.towards(Goal.REVERTED).after(Act("a", Deed.REVERT))
    assert not back.awaits_boot("start 1"), "it was taken back before the machine started"


def test_the_gate_asks_each_for_its_version() -> None:
    found = {"a": Found("a", "1"), "b": Found("b", "0.9"), "c": Found("c", fault="is silent; check its line")}
    results = gate_results(plan_of("a", "b", "c", "d"), found)
    assert [(each.check, each.passed, each.message) for each in results] == [
        ("component.a", True, ""),
        ("component.b", False, "component b: 0.9 runs, the release brings 1"),
        ("component.c", False, "component c: is silent; check its line"),
        ("component.d", False, "component d: nothing known runs, the release brings 1"),
    ]


def test_a_unit_with_all_the_places_takes_a_release() -> None:
    parts = (component("agent", driver="slot"), component("radio"), component("rootfs", driver="rauc"))
    places = {"radio": Fitting("firmware"), "rootfs": Fitting("rauc", is_at_boot=True)}
    assert misfit(parts, places, can_restart=True) == ""
    assert "update.reboot_command" in misfit(parts, places, can_restart=False)
    assert misfit(parts[:2], {}, can_restart=True).startswith("component radio: this unit has none of that name")
    assert "takes 'file'" in misfit(parts, {**places, "radio": Fitting("file")}, can_restart=True)
    assert "does not bring the agent" in misfit(parts[1:], places, can_restart=True)


@st.composite
def acyclic(draw: st.DrawFn) -> tuple[Component, ...]:
    """Components that require only those of smaller name, in any order."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    parts = [component(name, *sorted(draw(st.sets(st.sampled_from(names[:i]))))) if i else component(name)
             for i, name in enumerate(names)]  # fmt: skip
    return tuple(draw(st.permutations(parts)))


@given(acyclic())
def test_every_order_respects_every_requirement(parts: tuple[Component, ...]) -> None:
    found = [each.name for each in in_order(parts)]
    assert sorted(found) == sorted(each.name for each in parts)
    for each in parts:
        assert all(found.index(needed) < found.index(each.name) for needed in each.requires)


@given(acyclic(), st.randoms(use_true_random=False), st.floats(0, 0.5))
def test_every_life_ends_all_new_or_all_old(parts: tuple[Component, ...], rng: "object", share: float) -> None:
    """Whatever fails: nothing is activated while one is not staged, and in the end all are new or none is."""
    random = rng.random  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    plan = planned(parts)
    for goal in (Goal.STAGED, Goal.ACTIVE, Goal.CONFIRMED):
        if plan.goal is Goal.REVERTED:
            break
        plan = plan.towards(goal)
        while (act := next_act(plan)) is not None:
            assert act.deed is not Deed.ACTIVATE or Stage.WAITING not in {part.stage for part in plan.parts}
            plan = plan.after(act, failure="broken" if random() < share else "")
    while not plan.is_done:  # what failed on the only way there is gets done in the end
        plan = walked(plan.again())[0]
    ends = {part.stage for part in plan.parts}
    assert ends in ({Stage.CONFIRMED}, {Stage.REVERTED})

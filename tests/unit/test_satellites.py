"""Satellite numbers of all makers, and satellites in view over signals and systems."""

from collections.abc import Mapping

import pytest

from wayside_agent.core.fix import System
from wayside_agent.core.nmea_sentence import Sentence, sentence
from wayside_agent.core.satellites import SkyView, satellite, used


@pytest.mark.parametrize(
    ("number", "system", "meant"),
    [
        (5, System.GPS, (System.GPS, 5)),
        (46, System.GPS, (System.SBAS, 133)),
        (133, System.GPS, (System.SBAS, 133)),
        (70, System.GLONASS, (System.GLONASS, 6)),
        (70, None, (System.GLONASS, 6)),
        (37, System.BEIDOU, (System.BEIDOU, 37)),
        (237, System.BEIDOU, (System.BEIDOU, 37)),
        (437, System.BEIDOU, (System.BEIDOU, 37)),
        (201, None, (System.BEIDOU, 1)),
        (193, System.QZSS, (System.QZSS, 1)),
        (194, System.GPS, (System.QZSS, 2)),
        (2, System.QZSS, (System.QZSS, 2)),
        (33, System.GALILEO, (System.GALILEO, 33)),
        (305, System.GALILEO, (System.GALILEO, 5)),
        (4, System.NAVIC, (System.NAVIC, 4)),
    ],
)
def test_a_number_means_a_satellite_of_a_system(number: int, system: System | None, meant: tuple[System, int]) -> None:
    assert satellite(number, system) == meant


def gsa(system_id: str) -> Sentence:
    return sentence(f"GNGSA,A,3,05,33,,,,,,,,,,,1.0,0.6,0.8,{system_id}")


@pytest.mark.parametrize(
    ("system_id", "system"),
    [
        ("1", System.GPS),
        ("2", System.GLONASS),
        ("3", System.GALILEO),
        ("4", System.BEIDOU),
        ("5", System.QZSS),
        ("6", System.NAVIC),
    ],
)
def test_the_system_id_of_4_11_names_the_system(system_id: str, system: System) -> None:
    assert next(used(gsa(system_id)))[0] is system


def test_a_decimal_in_place_of_the_system_id_is_none() -> None:
    assert list(used(sentence("BDGSA,A,3,02,03,,,,,,,,,,,5.1,1.3,4.9,3.3"))) == [(System.BEIDOU, 2), (System.BEIDOU, 3)]


def seen(*bodies: str) -> Mapping[System, int]:
    sky = SkyView()
    for body in bodies:
        sky.add(sentence(body), epoch=0)
    return sky.in_view()


def test_a_signal_id_is_no_satellite() -> None:
    assert seen("GBGSV,1,1,01,45,20,053,30,1") == {System.BEIDOU: 1}


def test_two_signals_of_a_satellite_are_one_satellite() -> None:
    first = "GAGSV,1,1,02,07,20,053,30,12,21,054,31,7"
    second = "GAGSV,1,1,02,07,20,053,30,13,21,054,31,2"
    assert seen(first, second) == {System.GALILEO: 3}


@pytest.mark.parametrize(
    ("talker", "system"),
    [
        ("GP", System.GPS),
        ("GL", System.GLONASS),
        ("GA", System.GALILEO),
        ("GB", System.BEIDOU),
        ("BD", System.BEIDOU),
        ("GQ", System.QZSS),
        ("QZ", System.QZSS),
        ("GI", System.NAVIC),
        ("PQ", System.BEIDOU),
    ],
)
def test_every_talker_has_its_system(talker: str, system: System) -> None:
    assert seen(f"{talker}GSV,1,1,01,05,20,053,30") == {system: 1}


def test_a_round_that_is_not_complete_counts_for_nothing() -> None:
    assert seen("GPGSV,2,1,05,01,,,,02,,,,03,,,,04,,,") == {}
    assert seen("GPGSV,2,2,05,05,,,") == {}
    assert seen("GPGSV,3,1,05,01,,,", "GPGSV,3,3,05,05,,,") == {}


def test_a_new_round_takes_the_place_of_the_old_one() -> None:
    assert seen("GPGSV,1,1,02,01,,,,02,,,", "GPGSV,1,1,01,03,,,") == {System.GPS: 1}


def test_a_signal_that_ends_takes_its_satellites_with_it() -> None:
    both = ("GPGSV,1,1,01,01,,,,1", "GPGSV,1,1,01,02,,,,6")
    assert seen(*both) == {System.GPS: 2}
    assert seen(*both, "GPGSV,1,1,01,01,,,,1", "GPGSV,1,1,01,01,,,,1") == {System.GPS: 1}


def test_a_system_that_is_silent_for_long_is_forgotten() -> None:
    sky = SkyView()
    sky.add(sentence("GLGSV,1,1,01,70,,,"), epoch=0)
    sky.add(sentence("GPGSV,1,1,01,01,,,"), epoch=101)
    assert sky.in_view() == {System.GPS: 1}


@pytest.mark.parametrize("body", ["GPGSV", "GPGSV,0,0", "GPGSV,1,2,01", "GPGSV,x,1,01", "XXGSV,1,1,01,01,,,"])
def test_nonsense_is_refused(body: str) -> None:
    assert not SkyView().add(sentence(body), epoch=0)

"""What receivers say of their antennas."""

from pathlib import Path

import pytest

from wayside_agent.core.fix import AntennaState, Fix
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.core.nmea_sentence import encoded

PLACE = "GNGGA,{time},2001.9000,N,11019.9000,E,1,12,0.8,10.0,M,,M,,"


def heard(*bodies: str) -> list[Fix]:
    decoder = NmeaDecoder()
    lines = [*bodies, *(PLACE.format(time=f"0000{second:02d}.000") for second in range(3))]
    return decoder.feed(b"".join(encoded(line) for line in lines)) + decoder.flush()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("GNTXT,01,01,02,ANTSTATUS=OK", AntennaState.OK),
        ("GPTXT,01,01,02,ANTSTATUS=OPEN", AntennaState.OPEN),
        ("GNTXT,01,01,02,ANTSTATUS=SHORT", AntennaState.SHORT),
        ("GNTXT,01,01,02,ANTSTATUS=INIT", None),
        ("GNTXT,01,01,02,ANTSTATUS=DONTKNOW", None),
        ("GPTXT,01,01,01,ANTENNA OK", AntennaState.OK),
        ("GNTXT,01,01,01,ANTENNA OPEN", AntennaState.OPEN),
        ("BDTXT,01,01,01,ANTENNA SHORT", AntennaState.SHORT),
        ("GNTXT,01,01,02,ANTSUPERV=AC SD PDoS SR", None),
        ("GNTXT,01,01,02,no ANTSTATUS=OPEN", None),
        ("PQTMANTENNASTATUS,2,1,0,2,0", AntennaState.OK),
        ("PQTMANTENNASTATUS,2,2,0,2,0", AntennaState.OPEN),
        ("PQTMANTENNASTATUS,2,3,0,2,0", AntennaState.SHORT),
        ("PQTMANTENNASTATUS,2,0,0,2,0", None),
        ("PQTMANTENNASTATUS,9,2,0,2,0", None),
        ("PQTMANTENNASTATUS", None),
        ("GNTXT", None),
    ],
)
def test_the_word_of_a_receiver_stands_in_its_epochs(said: str, expected: AntennaState | None) -> None:
    assert [fix.antenna for fix in heard(said)] == [expected] * 3


def test_the_newest_word_counts_and_one_of_not_knowing_ends_the_one_before() -> None:
    assert heard("GNTXT,01,01,02,ANTSTATUS=OPEN", "GNTXT,01,01,02,ANTSTATUS=OK")[-1].antenna is AntennaState.OK
    assert heard("GNTXT,01,01,02,ANTSTATUS=OPEN", "GNTXT,01,01,02,ANTSTATUS=DONTKNOW")[-1].antenna is None
    assert heard("GNTXT,01,01,02,ANTSTATUS=OPEN", "GNTXT,01,01,02,hello")[-1].antenna is AntennaState.OPEN


def test_a_real_receiver_says_that_its_antenna_is_well() -> None:
    log = Path(__file__).parents[3] / "shared" / "data" / "gnss" / "nmea" / "quectel-l76k-nmea.log"
    if not log.exists():
        pytest.skip(f"{log}: the public logs are not here")
    decoder = NmeaDecoder()
    fixes = decoder.feed(log.read_bytes())
    assert fixes[-1].antenna is AntennaState.OK

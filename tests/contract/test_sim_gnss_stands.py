"""The simulated receiver as it is shipped: it stands, so a roadside unit with it has nothing to complain of."""

from datetime import UTC, datetime
from itertools import islice

from wayside_agent.core import nmea_text
from wayside_agent.core.gnss_plausibility import Plausibility, Rules
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.drivers.sim_gnss import SimGnss, epochs


def test_the_simulated_receiver_is_plausible_for_a_unit_that_stands() -> None:
    options, decoder, plausibility = SimGnss.Options(), NmeaDecoder(), Plausibility(Rules(stands=True))
    found = set()
    for index, epoch in enumerate(islice(epochs(options, datetime(2026, 3, 1, tzinfo=UTC)), 6000)):
        for fix in decoder.feed(nmea_text.sentences(epoch, with_view=False)) or decoder.flush():
            found.add(plausibility.judged(fix, index / options.rate_hz).fault)
    assert found == {""}

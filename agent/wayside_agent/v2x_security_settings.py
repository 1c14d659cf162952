"""Settings of the look at signatures of V2X messages: the table `[v2x.security]`."""

from typing import Annotated

import msgspec
from msgspec import Meta

Number = Annotated[int, Meta(ge=0, le=62)]


class SecuritySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Samples of signed messages that the unit verifies itself."""

    trust_dir: Annotated[
        str, Meta(pattern=r"^/.", description="Folder with the certificates of authorities, one COER file each.")
    ]
    module: Annotated[str, Meta(min_length=1, description="What verifies: the name of a driver.")] = "openssl"
    options: Annotated[dict[str, object], Meta(description="Of that driver.")] = {}
    unwrap: Annotated[
        bool, Meta(description="Take messages out of their envelope, so that the unit reads what they say.")
    ] = True
    sample_one_in: Annotated[
        int, Meta(ge=1, le=100_000, description="Of so many signed messages, one is verified.")
    ] = 10
    sample_limit_per_s: Annotated[float, Meta(gt=0, le=1000, description="At most so many [1/s].")] = 50.0
    max_age_s: Annotated[float, Meta(gt=0, le=3600, description="A message that was made longer ago is stale [s].")] = (
        5.0
    )
    leap_s: Annotated[
        int,
        Meta(
            ge=0,
            le=60,
            description="Leap seconds that the radios of this road count since 2004: 0 for UTC (China), 5 for "
            "IEEE 1609.2 and ETSI [s].",
        ),
    ] = 0
    sm2_signature: Annotated[Number, Meta(description="Number of SM2 among the signatures of an envelope.")] = 4
    sm2_key: Annotated[Number, Meta(description="Number of SM2 among the keys of a certificate.")] = 4
    sm3_hash: Annotated[Number, Meta(description="Number of SM3 among the hashes.")] = 2
    sm3_issuer: Annotated[Number, Meta(description="Number of SM3 among the digests of issuers.")] = 3

"""China's V2X messages: reading, writing, and a quick look at what is inside.

Usage: `frame = codec.decode(data, Profile.R19)` gives `("bsmFrame", BasicSafetyMessage(...))`, raw numbers inside;
`codec.encode(frame, Profile.R19)` gives the same bytes back.
Source: T/CSAE 53, YD/T 3709-2020, ITU-T X.691. The modules are in `proto/asn1`.
"""

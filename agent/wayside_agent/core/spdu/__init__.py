"""The signed envelope around a V2X message, and the certificates in it, read with bounds; nothing is judged here.

    spdu = parsed_spdu(payload)              # SpduError: it is none, or has what is not understood

The envelope of YD/T 3957-2021 has the shape of IEEE 1609.2 with further algorithms. That it is written in COER, and the
numbers of what it adds (SM2, SM3: `model.Algorithm`, `model.HashName`), are recalled from IEEE 1609.2-2022 and were not
read. What they do not fit is not understood, and so never believed.
"""

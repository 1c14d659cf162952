class _Type:
    def set_val(self, value: object) -> None: ...
    def to_coer(self) -> bytes: ...

class Ieee1609Dot2:
    CertificateBase: _Type
    Ieee1609Dot2Data: _Type
    ToBeSignedCertificate: _Type
    ToBeSignedData: _Type

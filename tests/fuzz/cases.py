"""Cases for hypothesis: plain bytes, and good examples with a few edits, so that it can shrink what it finds."""

from hypothesis import strategies as st

from tests.fuzz.engine import SIZE_MAX_BYTES, Target


def cases(target: Target) -> st.SearchStrategy[bytes]:
    """Hostile bytes for a parser."""
    return st.binary(max_size=300) | _edited(target)


@st.composite
def _edited(draw: st.DrawFn, target: Target) -> bytes:
    data = draw(st.sampled_from(target.seeds()))
    piece = st.binary(max_size=8)
    if target.words:
        piece |= st.sampled_from(target.words)
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.sampled_from((0, 1, 1, 2, 8, 10_000))))
        data = data[:begin] + draw(piece) * draw(st.sampled_from((1, 1, 1, 50))) + data[end:]
    return data[:SIZE_MAX_BYTES]

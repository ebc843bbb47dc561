"""Invented tokens, and the text that they are joined to."""

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from builder.formats.tagged.joining import join_tokens

TOKEN = st.text('ابتسم،.؛:()«»"+-0123ab\N{RIGHT-TO-LEFT MARK}\N{NO-BREAK SPACE}😀', min_size=1, max_size=4)


def joined(sentences, rules):
    tokens = [token for one in sentences for token in one]
    numbers = np.repeat(np.arange(len(sentences)), [len(one) for one in sentences])
    return tokens, join_tokens(pa.array(tokens, pa.string()), numbers, np.zeros(len(tokens), np.int64), rules)

"""The environment of worker processes: threads, memory, imports."""

import os
import re
import sys
from pathlib import Path

import pyarrow as pa
from numpy._core import _multiarray_umath as numpy_core  # type: ignore[attr-defined] # not public, not typed

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS")
"""Variables that give each worker one thread, as each core has a worker; numpy and Arrow read them on import."""

HELD_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "134217728",
    "MALLOC_TOP_PAD_": "16777216",
}
"""Sizes in bytes up to which freed memory stays with the process for the next arrays; it saves a tenth of the time."""

NUMPY_DISABLED_FEATURES = "NPY_DISABLE_CPU_FEATURES"
"""The variable that lists the processor features numpy must not use; numpy reads it on import."""


class _Hidden:
    """Module finder that makes pandas unimportable."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Raise ModuleNotFoundError for pandas."""
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def keep_pandas_unimported() -> None:
    """Stop Arrow from importing pandas, which takes a fifth of a second.

    Arrow imports it to check whether the first list it converts is a Series, and does not try again after a failure.
    Other code can still import pandas.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _Hidden)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(_Hidden)


def numpy_environment() -> dict[str, str]:
    """Return the environment that disables AVX-512 in numpy on Zen 4.

    Its sort is four times slower there with AVX-512 than without (numpy/x86-simd-sort, issue 6).
    """
    try:
        processor = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        processor = ""
    if (
        NUMPY_DISABLED_FEATURES in os.environ
        or "AuthenticAMD" not in processor
        or not re.search(r"^cpu family\s*: 25$", processor, re.MULTILINE)
    ):
        return {}
    wide = [name for name in numpy_core.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4"))]
    return {NUMPY_DISABLED_FEATURES: " ".join(name for name in wide if numpy_core.__cpu_features__[name])}

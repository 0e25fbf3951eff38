"""What a sample of a stack is said to be in the midst of."""

from __future__ import annotations

import pytest

from benchmarks.sampling import OTHER, kind_of

PYTHON = ["<module> (engine/__main__.py:7)", "solve (engine/models/smoother.py:80)"]


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (["matmul (numpy/_core/_multiarray_umath.so)", "sgemm_kernel_SKYLAKEX (numpy.libs/libscipy_openblas64_.so)"], "products of matrices (BLAS)"),
        (["np_add (numpy/_core/_multiarray_umath.so)"], "numbers from memory and back (NumPy)"),
        (["array_copy (numpy/_core/_multiarray_umath.so)", "0x7f2aff98bb75 (libc.so.6)"], "numbers from memory and back (NumPy)"),
        (["array_sort (numpy/_core/_multiarray_umath.so)"], "sorting and choosing the best"),
        (["csr_matvecs (scipy/sparse/_sparsetools.so)"], "sums over pairs (sparse matrices)"),
        (["infer (openvino/_pyopenvino.so)", "0x7f00d1e2"], "convolutions and products (OpenVINO)"),
        (["read (libc.so.6)"], "files"),
        (["dot (engine/core/vectors.py:12)"], "Python"),
        ([], "Python"),
    ],
)  # fmt: skip
def test_the_innermost_frame_that_says_something_tells(inner: list[str], kind: str):
    assert kind_of([*PYTHON, *inner]) == kind


def test_what_has_no_name_anywhere_is_other():
    assert kind_of(["0x7f2aff98bb75 (libc.so.6)"]) == OTHER

"""What a sample of a stack is said to be in the midst of."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.sampling import OTHER, counted, kind_of

PYTHON = ["<module> (engine/__main__.py:7)", "solve (engine/models/smoother.py:80)"]


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (["matmul (numpy/_core/_multiarray_umath.so)", "sgemm_kernel_SKYLAKEX (numpy.libs/libscipy_openblas64_.so)"], "products of matrices (BLAS)"),
        (["np_add (numpy/_core/_multiarray_umath.so)"], "numbers from memory and back (NumPy)"),
        (["array_copy (numpy/_core/_multiarray_umath.so)", "0x7f2aff98bb75 (libc.so.6)"], "numbers from memory and back (NumPy)"),
        (["array_sort (numpy/_core/_multiarray_umath.so)"], "sorting and choosing the best"),
        (["csr_matvecs (scipy/sparse/_sparsetools.so)"], "sums over pairs (sparse matrices)"),
        (["infer (openvino/_pyopenvino.so)", "0x7f00d1e2 (libc.so.6)"], "convolutions and products (OpenVINO)"),
        (["read (libc.so.6)"], "files"),
        (["0x7f0ed0dc079a (?)"], "convolutions and products (written by oneDNN as it runs)"),
        (["unicode_hash (libpython3.11.so.1.0)"], "Python"),
        (["uncompress (libz.so.1)"], "other libraries' compiled code"),
        (["dot (engine/core/vectors.py:12)"], "Python"),
        ([], "Python"),
    ],
)  # fmt: skip
def test_the_innermost_frame_that_says_something_tells(inner: list[str], kind: str):
    assert kind_of([*PYTHON, *inner]) == kind


def test_what_has_no_name_anywhere_is_other():
    assert kind_of(["0x7f2aff98bb75 (libc.so.6)"]) == OTHER


def test_threads_that_wait_are_not_counted(tmp_path: Path):
    lines = ["MainThread;solve (engine/models/smoother.py:80);sgemm_kernel (libopenblas.so) 3",
             "pool;_worker (concurrent/futures/thread.py:81);PyThread_acquire_lock_timed (libpython3.11.so) 9"]  # fmt: skip
    (tmp_path / "stacks").write_text("\n".join(lines))
    assert counted(tmp_path / "stacks") == {"products of matrices (BLAS)": 3}
    assert counted(tmp_path / "of a step that was over") == {}

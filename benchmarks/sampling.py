"""What a process is at while it works: samples of its stacks by py-spy, counted by what each is in the midst of.

A sample is taken of every thread of Python that is at work; a library's own threads do the same as the one that called it, and are not seen.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["KINDS", "OTHER", "SampledSteps", "counted", "kind_of", "sampled"]

PER_SECOND = 20
ANY_PROCESS_MAY_LOOK = 0x59616D61  # PR_SET_PTRACER of prctl(2)
OTHER = "other"
WAITING = re.compile(r"acquire_lock|pthread_cond|sem_(timed)?wait|futex")
"""Frames of threads that wait for others, which py-spy takes for work."""
KINDS = {
    "products of matrices (BLAS)": r"gemm|syrk|symm|trsm|trmm|gemv|potrf|getrf|geqrf|syev|_dot_k|\bdot_kernel|openblas",
    "convolutions and products (OpenVINO)": r"openvino",
    "convolutions and products (torch)": r"libtorch|libc10|libmkl|libgomp|torch/_?C|dnnl",
    "convolutions and products (written by oneDNN as it runs)": r"^0x[0-9a-f]+ \(\?\)",
    "placing points (openTSNE)": r"quad_tree|openTSNE/.*\.so",
    "tokeniser": r"tokenizers",
    "sums over pairs (implicit)": r"implicit/",
    "sums over pairs (sparse matrices)": r"_sparsetools|scipy/sparse/",
    "sorting and choosing the best": r"sort|partition|nth_element|introselect|unique",
    "DuckDB": r"duckdb",
    "Parquet and Arrow": r"libarrow|libparquet|pyarrow/",
    "search trees (Annoy)": r"annoy",
    "pictures' files (Pillow)": r"PIL/|libjpeg|libwebp",
    "regular expressions": r"\bsre_|regex/|/re/",
    "digests": r"sha256|sha512|md5|blake2|libcrypto|_hashlib",
    "files": r"\b(p?read(v|64)?|p?write(v|64)?|fsync|fdatasync|ftruncate64?|fallocate64?|posix_fallocate64?|sendfile|copy_file_range|open(at)?(64)?|munmap|mmap64|msync|stat|fstatat64|unlink) ",
    "numbers from memory and back (NumPy)": r"numpy/",
    "tables (pandas)": r"pandas/",
    "Python": r"libpython|\.py:\d+|<frozen|<string>",
    "other libraries' compiled code": r"\.so",
}
"""What a frame is in the midst of, by its name and file; the first that fits, from the innermost frame outwards."""
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in KINDS.items()}
_SAYS_NOTHING = re.compile(
    r"^0x[0-9a-f]+( \(libc|$| \(\))|\(libc\.so|^(__)?mem(cpy|move|set|cmp)|\(libpthread|\(ld-linux|\(libstdc|\(vmlinux"
)
"""Frames that serve whoever called them: copies, and what has no name."""


def kind_of(stack: Iterable[str]) -> str:
    """What a stack is in the midst of, whose outermost frame comes first."""
    for frame in reversed(list(stack)):
        kind = next((kind for kind, pattern in _PATTERNS.items() if pattern.search(frame)), "")
        if kind and (kind == "files" or not _SAYS_NOTHING.search(frame)):
            return kind
    return OTHER


@contextmanager
def sampled(kinds: Counter[str]) -> Iterator[None]:
    """Count into `kinds` what this process is in the midst of, `PER_SECOND` times a second; `RuntimeError` where it may not be looked at."""
    ctypes.CDLL(None).prctl(ANY_PROCESS_MAY_LOOK, ctypes.c_long(-1), 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "stacks")
        with _looking(file):
            yield
        kinds.update(counted(file))


class SampledSteps:
    """A `Progress` that samples each step from its beginning to its end, the last one to `close`; `kinds` has the counts by step, in order."""

    def __init__(self) -> None:
        self.kinds: dict[str, Counter[str]] = {}
        self._current = ""
        self._sampling = ExitStack()

    def __call__(self, step: str, done: float, message: str = "") -> None:
        if step == self._current:
            return
        self.close()
        self._current = step
        self._sampling.enter_context(sampled(self.kinds.setdefault(step, Counter())))

    def close(self) -> None:
        """End the step at work."""
        self._sampling.close()


@contextmanager
def _looking(file: Path) -> Iterator[None]:
    """py-spy beside this process, from its first sample to its last, which are written to the file."""
    command = [Path(sys.executable).with_name("py-spy"), "record", "--pid", os.getpid(), "--native", "--threads"]
    how = ["--rate", PER_SECOND, "--format", "raw", "--duration", "unlimited", "--output", file]
    with subprocess.Popen(
        [str(word) for word in command + how], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as looks:
        said = looks.stdout.readline() if looks.stdout else ""
        if "Sampling" not in said:
            raise RuntimeError(f"py-spy may not look at this process: {said.strip()}")
        try:
            yield
        finally:
            looks.send_signal(signal.SIGINT)
            looks.communicate()


def counted(file: Path) -> Counter[str]:
    """Counts of kinds; nothing where the step was over before the first sample."""
    counts: Counter[str] = Counter()
    for line in file.read_text("utf-8").splitlines() if file.is_file() else ():
        stack, _, times = line.rpartition(" ")
        frames = stack.split(";")[1:]
        if not any(WAITING.search(frame) for frame in frames[-3:]):
            counts[kind_of(frames)] += int(times)
    return counts

"""OpenVINO, where it is installed: networks compiled for this processor. Importing this does not import it.

It is faster than torch on processors of the Intel kind with AVX-512, in every precision, because it keeps weights in the order that
the processor's instructions want and fuses the steps between products. Its package reports imports to its maker; here it cannot.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from typing import Any

import numpy as np

from engine.core.errors import SettingsError

__all__ = ["OPENVINO", "Compiled", "is_installed", "openvino", "quickest_precision"]

OPENVINO = "openvino"
"""The precision's name in settings and releases: what OpenVINO calculates in differs from step to step."""
_REPORTS = "openvino_telemetry"


def is_installed() -> bool:
    """Whether its package is there."""
    return importlib.util.find_spec(OPENVINO) is not None


def quickest_precision(*, integers: bool) -> str:
    """What networks calculate in where there is much to do: "openvino" on processors that it was measured on, those with AVX-512 for
    eight-bit integers and bfloat16; "bfloat16", by torch, on others with instructions for it; "float32" elsewhere.

    Parameters
    ----------
    integers : whether OpenVINO would calculate in eight-bit integers, which is slower than "bfloat16" where the processor has a unit for matrices.
    """
    from engine.models.devices import has_fast_bfloat16, has_fast_integers, has_matrix_unit, pick_device

    if not has_fast_bfloat16():
        return "float32"
    quick = pick_device().type == "cpu" and has_fast_integers() and not (integers and has_matrix_unit())
    return OPENVINO if quick and is_installed() else "bfloat16"


def openvino() -> Any:
    """The package; `SettingsError` where it is not installed."""
    # With None in this place its import fails, and OpenVINO does without.
    sys.modules.setdefault(_REPORTS, None)  # type: ignore[arg-type]
    try:
        importlib.import_module(f"{OPENVINO}.opset13")
        return importlib.import_module(OPENVINO)
    except ImportError as exc:
        raise SettingsError(
            "The precision 'openvino' needs the package openvino, which has no build for this machine or is not "
            "installed. Run `make install`, or set another precision and train again."
        ) from exc


class Compiled:
    """A network of OpenVINO; several threads may ask it at once.

    Parameters
    ----------
    model : of one output.
    bfloat16 : whether it calculates in that where nothing in the model says otherwise, or in float32.
    calls : so many at once, with one thread each.
    group : of so many inputs of a product, quantised together where its weights are integers.
    """

    def __init__(self, model: Any, *, bfloat16: bool, calls: int, group: int = 0):
        properties = {
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
            "INFERENCE_NUM_THREADS": calls,
            "NUM_STREAMS": calls,
            "ENABLE_CPU_PINNING": False,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(group),
        }
        self._model = openvino().Core().compile_model(model, "CPU", properties)
        self._of_thread = threading.local()

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        """The output for C-contiguous inputs, in the order of the model's parameters."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._model.create_infer_request()
        return np.asarray(self._of_thread.request.infer(list(inputs), share_inputs=True)[0])

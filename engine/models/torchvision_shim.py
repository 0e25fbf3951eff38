"""Makes `import torchvision` work beside a CPU build of torch.

Package indexes may give a torchvision whose compiled operators were built for CUDA: they do not load beside CPU torch, and
the import then fails with "operator torchvision::nms does not exist", and with it timm, open_clip and transformers' models.
None of those operators is used here; declaring the two that are asked for at import is enough.
"""

from __future__ import annotations

import importlib.util
import sys

import torch

__all__ = ["ensure_torchvision"]

_declared: list[torch.library.Library] = []  # an operator lives as long as its Library object


def ensure_torchvision() -> None:
    """Call before importing what may import torchvision. Does nothing where torchvision is absent or imports by itself."""
    if _declared or importlib.util.find_spec("torchvision") is None:
        return
    try:
        import torchvision
    except RuntimeError as exc:
        if "torchvision::" not in str(exc):
            raise
    else:
        return
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)
    import torchvision  # noqa: F401

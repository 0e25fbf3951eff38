"""Makes `import torchvision` work with a CPU build of torch.

Package indexes may deliver a torchvision whose compiled operators were built for CUDA. They do not load with a CPU build of
torch: the import fails with "operator torchvision::nms does not exist", and so do timm, open_clip and transformers' models.
Longtail uses none of those operators; it is enough to declare the two that the import needs.
"""

from __future__ import annotations

import importlib.util
import sys

import torch

__all__ = ["ensure_torchvision"]

_declared: list[torch.library.Library] = []  # an operator lives as long as its Library object


def ensure_torchvision() -> None:
    """Call before importing anything that may import torchvision. Does nothing if torchvision is absent or works."""
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

"""Picture networks to look with, by torch (`quick_network`) or by OpenVINO: the same steps, compiled as a whole.

By OpenVINO the first layers calculate in float32 and all others in bfloat16, the tails as well.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from engine.core.errors import SettingsError
from engine.models.encoders.on_openvino import OPENVINO, Compiled, openvino
from engine.models.encoders.quick_network import FewAtOnce, FusedConvolution, fused, quick_trunk

__all__ = ["by_openvino", "tail_to_look_with", "trunk_to_look_with"]


def trunk_to_look_with(trunk: nn.Module, exact: int, precision: str) -> nn.Module:
    """A copy that takes and gives float32, and calculates in it in its first `exact` layers; not one to learn with.

    Parameters
    ----------
    precision : "bfloat16", by torch, or "openvino".
    """
    if precision != OPENVINO:
        return quick_trunk(trunk, exact)
    layers = list(trunk.children())
    first, others = nn.Sequential(*layers[:exact]), nn.Sequential(*layers[exact:])
    return FewAtOnce(by_openvino(first, bfloat16=False), by_openvino(others, bfloat16=True))


def tail_to_look_with(tail: nn.Module, precision: str) -> nn.Module:
    """A copy of a tail, not one to learn with either; by torch it is in float32."""
    return by_openvino(tail, bfloat16=True) if precision == OPENVINO else fused(tail)


def by_openvino(network: nn.Module, *, bfloat16: bool) -> nn.Module:
    """A copy that OpenVINO calculates, of (n, channels, height, width); `SettingsError` names a step that is not known here."""
    return _ByOpenVino(network, bfloat16)


class _ByOpenVino(nn.Module):
    def __init__(self, network: nn.Module, bfloat16: bool):
        super().__init__()
        # As many calls at once as there are threads, which each look at pictures of their own (`backbone.read_in_parallel`).
        self._compiled = Compiled(_model(fused(network)), bfloat16=bfloat16, calls=torch.get_num_threads())

    def forward(self, batch: Tensor) -> Tensor:
        made = torch.from_numpy(self._compiled(batch.permute(0, 2, 3, 1).contiguous().cpu().numpy()))
        return (made.permute(0, 3, 1, 2) if made.ndim == 4 else made).to(batch.device)


class _Steps(fx.Tracer):
    """Follows a batch through a network down to its convolutions."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, FusedConvolution) or type(m).__name__ in {_POOL, *_MODULES}


def _model(network: nn.Module) -> Any:
    ov = openvino()
    op = ov.opset13
    made: dict[fx.Node, Any] = {}
    first = next(module for module in network.modules() if isinstance(module, FusedConvolution))
    # Channels last, as pictures come, and as small convolutions are fastest.
    batch = op.parameter([-1, -1, -1, first.weight.shape[1] * first.groups], np.float32)
    for node in _Steps().trace(network).nodes:
        if node.op == "output":
            last = made[node.args[0]]
            if len(last.get_output_partial_shape(0)) == 4:
                last = op.transpose(last, op.constant(np.array([0, 2, 3, 1])))
            return ov.Model([op.result(last)], [batch], "pictures")
        if node.op == "placeholder":
            made[node] = op.transpose(batch, op.constant(np.array([0, 3, 1, 2])))
        else:
            made[node] = _step(op, network, node, made)
    raise AssertionError("every traced network has an output")


def _step(op: Any, network: nn.Module, node: fx.Node, made: dict[Any, Any]) -> Any:
    if node.op == "call_module":
        module, values = network.get_submodule(str(node.target)), made[node.args[0]]
        if isinstance(module, FusedConvolution):
            return _convolved(op, module, values)
        if type(module).__name__ == _POOL and getattr(module, "pool_type", None) == "avg":
            return op.reduce_mean(values, op.constant(np.array([2, 3])), False)
        if (step := _MODULES.get(type(module).__name__)) is not None:
            return step(op, values)
    if node.op == "call_function" and node.target in (operator.add, torch.add):
        return op.add(made[node.args[0]], made[node.args[1]])
    raise SettingsError(
        f"image.precision = 'openvino': this network has a step that is not known there ({node.target}). Set it to 'auto', "
        "or another image.backbone."
    )


def _convolved(op: Any, module: FusedConvolution, values: Any) -> Any:
    weight = module.weight.float().numpy()
    before, after = ([0, 0], [0, 0]) if module.same else (module.padding, module.padding)
    how = (module.stride, before, after, module.dilation, "same_upper" if module.same else "explicit")
    if module.groups == 1:
        made = op.convolution(values, op.constant(weight), *how)
    else:
        grouped = weight.reshape(module.groups, -1, *weight.shape[1:])
        made = op.group_convolution(values, op.constant(grouped), *how)
    if module.bias is not None:
        made = op.add(made, op.constant(module.bias.float().numpy().reshape(1, -1, 1, 1)))
    return op.clamp(made, 0.0, 6.0) if module.bounded else made


_POOL = "SelectAdaptivePool2d"
_MODULES = {
    "Identity": lambda op, values: values,
    "Dropout": lambda op, values: values,
    "ReLU": lambda op, values: op.relu(values),
    "ReLU6": lambda op, values: op.clamp(values, 0.0, 6.0),
}
"""timm's and torch's, by their names."""

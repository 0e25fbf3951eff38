"""The heavy work of a training by torch, for machines with a graphics card (`engine.core.graphics_card`).

Each function does what its twin for the processor does, in single precision with sums in another order, so results agree but for
rounding, which rounds of ALS enlarge; equal runs on one card give equal results. torch runs all of it on a processor too, where tests compare both.
"""

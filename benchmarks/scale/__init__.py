"""Speed and scale, measured: each module is a part with figures of its own; `shop` and `timing` hold what they share."""

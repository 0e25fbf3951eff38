"""Models of 2024 to 2026 that know both behaviour and content, each as its paper describes it, for `benchmarks.peers`.

A model's module has `SETTINGS`, which are compared on the validation half of the targets, and `scores(shop, setting)`:
(n_targets, n_items) of the targets against all products, higher is better.
"""

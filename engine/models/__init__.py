"""The fitted models: ALS, the content encoders, the predictor, residual behaviour, the smoother and its correction."""

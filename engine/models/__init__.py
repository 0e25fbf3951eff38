"""What is fitted: ALS, the content encoders, the predictor, residual behaviour, the smoother and what corrects it."""

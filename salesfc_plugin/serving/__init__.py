"""Forecasts on the spot: of one series or a few, by the promoted model, without a build and without TensorFlow."""

"""Forecasts over HTTP (extra ``serve``), from memory: no connection is held open, TensorFlow is not imported."""

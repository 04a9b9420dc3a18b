"""How good forecasts are: metrics, backtests and the choices that rest on them."""

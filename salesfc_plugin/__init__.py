"""Sales forecasts as warehouse tables."""

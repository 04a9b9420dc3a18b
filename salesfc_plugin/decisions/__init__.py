"""What a forecast is for: paths, orders, scenarios and plans that a shop acts on."""

"""How much trades move prices, estimated from trades: response, propagator, square-root law, regressions."""

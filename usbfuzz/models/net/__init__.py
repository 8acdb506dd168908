"""Network adapters (ECM, NCM, EEM), and the host that answers behind them."""

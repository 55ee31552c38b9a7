"""Everything around an engine: packs, lanes, devices, nodes, signals, writing of results."""

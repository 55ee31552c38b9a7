"""What runs an engine: packs, lanes, devices, nodes, signals, writing."""

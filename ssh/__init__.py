"""How nodes are reached: kept shells over SSH, or on this machine.  See ``transport``."""

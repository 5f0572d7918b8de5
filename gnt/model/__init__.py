"""What the cluster is: frozen values, no I/O.  Objects refer to one another by uuid."""
